//! JSON as careful readers take it: a repeated key, a number out of range or half a surrogate is an error, not a guess.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::error::{Error, Result};

/// Longest text that is taken as one JSON document.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Most values in one document: many small ones take far more memory than their text.
pub const MAX_VALUES: usize = 100_000;

/// Parses one JSON document. Depth is limited to `serde_json`'s 128.
pub fn parse(text: &str) -> Result<Value> {
    if text.len() > MAX_BYTES {
        return Err(Error::invalid(
            "json",
            format!("{} bytes", text.len()),
            "is longer than 4 MiB",
        )
        .allowed("at most 4 MiB"));
    }
    let count = Cell::new(0);
    let mut reader = serde_json::Deserializer::from_str(text);
    let parsed = Strict(&count).deserialize(&mut reader);
    parsed.and_then(|value| reader.end().map(|()| value)).map_err(|e| {
        Error::invalid("json", text, format!("cannot be read: {e}")).allowed(
            "one JSON document without repeated keys, of at most 100000 values and 128 levels",
        )
    })
}

/// Reads one value and those in it, counting them.
#[derive(Clone, Copy)]
struct Strict<'a>(&'a Cell<usize>);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.0.set(self.0.get() + 1);
        if self.0.get() > MAX_VALUES {
            return Err(de::Error::custom(format!("more than {MAX_VALUES} values")));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
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
        while let Some(item) = seq.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if object.contains_key(&key) {
                let shown: String = key.chars().take(60).collect();
                return Err(de::Error::custom(format!("key `{shown}` is repeated")));
            }
            object.insert(key, map.next_value_seed(self)?);
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

    #[test]
    fn security_10_a_document_is_bounded_in_length_depth_and_number_of_values() {
        let values = |n: usize| format!("[{}1]", "1,".repeat(n - 2));
        assert!(parse(&values(MAX_VALUES)).is_ok());
        for (bomb, says) in [
            (values(MAX_VALUES + 1), "more than 100000 values"),
            (format!("[{}{{}}]", "{},".repeat(MAX_VALUES)), "more than 100000 values"),
            (format!("\"{}\"", "x".repeat(MAX_BYTES)), "longer than 4 MiB"),
            ("[".repeat(10_000), "recursion limit"),
            ("{\"a\":".repeat(10_000), "recursion limit"),
        ] {
            let error = parse(&bomb).unwrap_err();
            assert!(error.message.contains(says), "{says}: {error}");
            assert!(error.to_string().len() < 300 && error.given.unwrap().len() < 1_000);
        }
    }
}
