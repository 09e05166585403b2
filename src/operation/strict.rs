//! JSON as careful readers take it: a repeated key, a number out of range or half a surrogate is an error, not a guess.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::error::{Error, Result};

/// Longest text that is taken as one JSON document.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Parses one JSON document. Depth is limited to `serde_json`'s 128.
pub fn parse(text: &str) -> Result<Value> {
    if text.len() > MAX_BYTES {
        return Err(
            Error::invalid("json", format!("{} bytes", text.len()), "is too long").allowed("4 MiB")
        );
    }
    serde_json::from_str::<Strict>(text).map(|strict| strict.0).map_err(|e| {
        Error::invalid("json", text, format!("cannot be read: {e}"))
            .allowed("one JSON document without repeated keys")
    })
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Strict(value))) = map.next_entry::<String, Strict>()? {
            if object.insert(key.clone(), value).is_some() {
                return Err(de::Error::custom(format!("key `{key}` is repeated")));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_inputs_37_to_40() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        for (number, text) in [
            (37, r#"{"a":1,"a":2}"#),
            (37, r#"{"x":{"a":1,"a":2}}"#),
            (38, &deep),
            (39, "NaN"),
            (39, "1e999"),
            (40, r#""\ud800""#),
        ] {
            assert!(parse(text).is_err(), "bad input {number}");
        }
        assert_eq!(
            parse(r#"{"b":[1,-2,2.5,"x",null,true],"a":{}}"#).unwrap().to_string(),
            r#"{"a":{},"b":[1,-2,2.5,"x",null,true]}"#
        );
    }
}
