//! The JSON Schema of `run.json`, generated from the types, so that readers in any language can validate a record.

use serde_json::{Value, json};

use crate::record::{FORMAT, Record};

/// The schema of a record.
pub fn record() -> Value {
    let mut schema = schemars::schema_for!(Record).to_value();
    schema["title"] = json!("The record of a run of bpconform");
    // A record of an older format is read, too.
    schema["properties"]["format"]["enum"] = (1..=FORMAT).collect();
    schema
}
