//! The JSON Schema of `run.json`, drawn from the types, so that a reader in any language can check what it gets.

use serde_json::{Value, json};

use crate::record::{FORMAT, Record};

/// The schema of a record.
pub fn record() -> Value {
    let mut schema = schemars::schema_for!(Record).to_value();
    schema["title"] = json!("The record of a run of bpconform");
    schema["properties"]["format"]["const"] = json!(FORMAT);
    schema
}
