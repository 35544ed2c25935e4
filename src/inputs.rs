//! The features, the selection and the endpoints that flags name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bpconform_fixtures::Surfaces;

use crate::cli::select::SelectArgs;
use crate::error::Error;
use crate::features::Features;
use crate::plan::Selection;
use crate::tags::Vocabulary;

/// The features of a directory, or those that are built in. All environments of a fleet share them.
pub fn features(select: &SelectArgs) -> Result<Arc<Features>, Error> {
    static READ: Shared<Features> = Shared::new(BTreeMap::new());
    shared(&READ, select.features.as_deref(), |directory| Features::read(directory, Vocabulary::built_in()))
}

type Shared<T> = Mutex<BTreeMap<Option<PathBuf>, Arc<T>>>;

/// What was read before, or is read now. A program reads its inputs once, whatever happens to them meanwhile.
fn shared<T>(
    known: &Shared<T>,
    path: Option<&Path>,
    read: impl FnOnce(Option<&Path>) -> Result<T, Error>,
) -> Result<Arc<T>, Error> {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let path = path.map(Path::to_owned);
    if let Some(there) = known.get(&path) {
        return Ok(Arc::clone(there));
    }
    let new = Arc::new(read(path.as_deref())?);
    known.insert(path, Arc::clone(&new));
    Ok(new)
}

/// Which scenarios are asked for.
pub fn selection(select: &SelectArgs) -> Result<Selection, Error> {
    Selection::new(select.tags.as_deref(), select.name.clone(), select.requirements.clone())
}

/// The endpoints of a file over the built-in ones.
pub fn surfaces(file: Option<&Path>) -> Result<Arc<Surfaces>, Error> {
    static READ: Shared<Surfaces> = Shared::new(BTreeMap::new());
    shared(&READ, file, |file| {
        Ok(match file {
            Some(file) => Surfaces::read_over_built_in(file)?,
            None => Surfaces::built_in().clone(),
        })
    })
}
