//! The values that the steps of a scenario pass to each other, one of each type.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt::Debug;

/// One value of each type. A step that needs a value which no earlier step stored is reported as a mistake in the scenario.
#[derive(Default)]
pub struct Memory {
    values: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
}

impl Memory {
    /// Keeps a value in place of the one of the same type.
    pub fn keep<T: Debug + Send + Sync + 'static>(&mut self, value: T) {
        self.values.insert(TypeId::of::<T>(), Box::new(value));
    }

    /// The value of that type.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.values.get(&TypeId::of::<T>())?.downcast_ref()
    }
}

/// Only how many: cucumber shows the World of a failed step, and a value may hold what no output may show.
impl Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Memory({} values)", self.values.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_value_of_a_type_is_kept() {
        let mut memory = Memory::default();
        memory.keep(1_u8);
        memory.keep(2_u8);
        memory.keep("text");
        assert_eq!((memory.get::<u8>(), memory.get::<&str>(), memory.get::<u16>()), (Some(&2), Some(&"text"), None));
    }
}
