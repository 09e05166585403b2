//! HCL into the neutral form.

use std::collections::BTreeMap;
use std::ops::Range;

use hcl_edit::Span;
use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::{Body, Structure};

use super::block::{Block, Place, Value};
use crate::error::{Error, Result};

struct Source<'a> {
    text: &'a str,
    file: &'a str,
}

pub(super) fn parse(text: &str, file: &str) -> Result<Vec<Block>> {
    let body = body(text, file)?;
    Ok(Source { text, file }.blocks(&body).1)
}

/// Names of the attributes at the top: the variables that a tfvars file assigns.
pub(super) fn attribute_names(text: &str, file: &str) -> Result<Vec<String>> {
    Ok(body(text, file)?.attributes().map(|a| a.key.as_str().to_owned()).collect())
}

fn body(text: &str, file: &str) -> Result<Body> {
    text.trim_start_matches('\u{feff}').parse::<Body>().map_err(|e| {
        let place = format!("{file}:{}", e.location().line());
        Error::invalid("environment.tree", &place, "cannot be read as HCL")
            .detail("place", place)
            .detail("cause", e.message().to_owned())
    })
}

impl Source<'_> {
    fn place(&self, span: Option<Range<usize>>) -> Place {
        let before = span.and_then(|s| self.text.get(..s.start)).unwrap_or("");
        Place {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            overrides: false,
        }
    }

    fn blocks(&self, body: &Body) -> (BTreeMap<String, Value>, Vec<Block>) {
        let (mut attributes, mut blocks) = (BTreeMap::new(), Vec::new());
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => {
                    let value = self.value(&attribute.value);
                    attributes.insert(attribute.key.as_str().to_owned(), value);
                }
                Structure::Block(block) => {
                    let (inner_attributes, inner_blocks) = self.blocks(&block.body);
                    blocks.push(Block {
                        kind: block.ident.as_str().to_owned(),
                        labels: block.labels.iter().map(|l| l.as_str().to_owned()).collect(),
                        attributes: inner_attributes,
                        blocks: inner_blocks,
                        place: self.place(block.ident.span()),
                    });
                }
            }
        }
        (attributes, blocks)
    }

    fn value(&self, expression: &Expression) -> Value {
        match expression {
            Expression::String(text) => Value::Text(text.value().clone()),
            Expression::Bool(truth) => Value::Bool(*truth.value()),
            Expression::Parenthesis(inner) => self.value(inner.inner()),
            Expression::Object(object) => {
                let mut map = BTreeMap::new();
                for (key, value) in object {
                    let key = match key {
                        ObjectKey::Ident(ident) => ident.as_str().to_owned(),
                        ObjectKey::Expression(key) => match self.value(key) {
                            Value::Text(text) | Value::Other(text) => text,
                            other => other.written(),
                        },
                    };
                    map.insert(key, self.value(value.expr()));
                }
                Value::Object(map)
            }
            other => Value::Other(
                other.span().and_then(|s| self.text.get(s)).unwrap_or("an expression").to_owned(),
            ),
        }
    }
}
