//! Finds the path of a property by the path around it, its namespace and its name.

use super::work_budget::{Work, WorkBudget};
use super::xmp_namespaces::NamespaceId;

/// The number of slots of a new table.
const FIRST_SLOTS: usize = 64;

/// What identifies a path: the index of the path around it, the namespace and the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PathKey<'t> {
    pub(crate) parent: u32,
    pub(crate) namespace: NamespaceId,
    pub(crate) name: &'t str,
}

impl PathKey<'_> {
    /// Returns a hash. It is quick, but a hostile file can contain many names with the same hash.
    /// So each look-up pays for its work.
    fn hash(&self) -> usize {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(FACTOR);
        let mut hash = mix(u64::from(self.parent), self.namespace.index() as u64);
        let mut chunks = self.name.as_bytes().chunks_exact(8);
        for chunk in &mut chunks {
            hash = mix(
                hash,
                chunk.iter().fold(0, |word, &b| word << 8 | u64::from(b)),
            );
        }
        let rest = chunks.remainder();
        hash = mix(
            hash,
            rest.iter().fold(0, |word, &b| word << 8 | u64::from(b)),
        );
        (hash >> 32) as usize
    }
}

/// A hash table of paths. The paths are the numbers 0, 1, ...
#[derive(Debug, Default)]
pub(crate) struct PathTable<'t> {
    keys: Vec<PathKey<'t>>,
    /// The number of a path plus one, or 0 for an empty slot. The number of slots is a power of
    /// two, and at most half of them are used.
    slots: Vec<u32>,
}

/// The result of a look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathPlace {
    /// The path has this number.
    Known(u32),
    /// The path is not in the table. [`PathTable::insert`] takes this slot.
    Free(usize),
}

impl<'t> PathTable<'t> {
    /// Returns a table with room for this number of paths.
    pub(crate) fn with_capacity(paths: usize) -> Self {
        PathTable {
            keys: Vec::with_capacity(paths),
            slots: vec![0; (2 * paths).next_power_of_two().max(FIRST_SLOTS)],
        }
    }

    /// Returns the key of a path.
    pub(crate) fn key(&self, path: u32) -> Option<PathKey<'t>> {
        self.keys.get(path as usize).copied()
    }

    /// Looks up a path, and pays for the work. Returns `None` if the work budget is used up.
    pub(crate) fn find(&self, key: PathKey<'_>, budget: &WorkBudget) -> Option<PathPlace> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut slot = key.hash() & mask;
        for tried in 1..=self.slots.len() {
            let number = *self.slots.get(slot)?;
            let Some(path) = number.checked_sub(1) else {
                return Some(PathPlace::Free(slot));
            };
            if self.keys.get(path as usize) == Some(&key) {
                return Some(PathPlace::Known(path));
            }
            // The first slots are part of the price of an attribute or an element.
            if tried > 4 {
                budget.pay(Work::Reads, 1)?;
            }
            slot = (slot + 1) & mask;
        }
        None
    }

    /// Adds a path that was looked up and not found. Returns its number.
    pub(crate) fn insert(&mut self, key: PathKey<'t>, slot: usize) -> u32 {
        self.keys.push(key);
        let number = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        if let Some(place) = self.slots.get_mut(slot) {
            *place = number;
        }
        if 2 * self.keys.len() > self.slots.len() {
            self.grow();
        }
        number.saturating_sub(1)
    }

    /// Doubles the number of slots.
    fn grow(&mut self) {
        let count = 2 * self.slots.len();
        let mut slots = vec![0; count];
        for (number, key) in (1..).zip(&self.keys) {
            let mut slot = key.hash() & (count - 1);
            while slots.get(slot).is_some_and(|&used| used != 0) {
                slot = (slot + 1) & (count - 1);
            }
            if let Some(place) = slots.get_mut(slot) {
                *place = number;
            }
        }
        self.slots = slots;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(parent: u32, namespace: usize, name: &str) -> PathKey<'_> {
        PathKey {
            parent,
            namespace: NamespaceId::known(namespace),
            name,
        }
    }

    #[test]
    fn paths_are_found_after_the_table_has_grown() {
        let budget = WorkBudget::default();
        let names: Vec<String> = (0..1_000).map(|n| format!("property{n}")).collect();
        let mut table = PathTable::with_capacity(0);
        let keys: Vec<PathKey<'_>> = (0..4_000)
            .map(|n| key(n % 2, n as usize / 2 % 2, &names[n as usize / 4]))
            .collect();
        for (number, &key) in keys.iter().enumerate() {
            let Some(PathPlace::Free(slot)) = table.find(key, &budget) else {
                panic!("{key:?} is new");
            };
            assert_eq!(table.insert(key, slot) as usize, number);
        }
        for (number, &key) in (0..).zip(&keys) {
            assert_eq!(table.find(key, &budget), Some(PathPlace::Known(number)));
            assert_eq!(table.key(number), Some(key));
        }
        let unknown = table.find(key(2, 0, "property1"), &budget);
        assert!(matches!(unknown, Some(PathPlace::Free(_))));
    }

    #[test]
    fn a_look_up_pays_for_its_work() {
        let budget = WorkBudget::default();
        let mut table = PathTable::with_capacity(FIRST_SLOTS);
        let names: Vec<String> = (0..60).map(|n| format!("p{n}")).collect();
        for name in &names {
            // All paths are put into one slot or the next free one, as if their hashes were the
            // same.
            let slot = table.keys.len();
            table.insert(key(0, 0, name), slot);
        }
        let hash = |name: &str| key(0, 0, name).hash() & (table.slots.len() - 1);
        let first = (0..).map(|n| format!("q{n}")).find(|name| hash(name) == 0);
        let before = budget.spent();
        assert_eq!(
            table.find(key(0, 0, &first.expect("a name")), &budget),
            Some(PathPlace::Free(60))
        );
        assert_eq!(budget.spent() - before, (60 - 4) * 8);
    }
}
