//! The features, the selection and the endpoints that flags name.

use std::path::Path;

use bpconform_fixtures::Surfaces;

use crate::cli::select::SelectArgs;
use crate::error::Error;
use crate::features::Features;
use crate::plan::Selection;
use crate::tags::Vocabulary;

/// The features of a directory, or those that are built in.
pub fn features(select: &SelectArgs) -> Result<Features, Error> {
    Features::read(select.features.as_deref(), Vocabulary::built_in())
}

/// Which scenarios are asked for.
pub fn selection(select: &SelectArgs) -> Result<Selection, Error> {
    Selection::new(select.tags.as_deref(), select.name.clone(), select.requirements.clone())
}

/// The endpoints of a file over the built-in ones.
pub fn surfaces(file: Option<&Path>) -> Result<Surfaces, Error> {
    Ok(match file {
        Some(file) => Surfaces::read_over_built_in(file)?,
        None => Surfaces::built_in().clone(),
    })
}
