//! Which of the cgroups at and above the process's own is the one that binds.

use super::record::Cgroup;
use heap_sidecar::CgroupLevel;

/// The cgroup whose limit binds, before and after a test.
#[derive(Default)]
pub(super) struct Binding {
    pub(super) before: CgroupLevel,
    pub(super) after: CgroupLevel,
}

impl Binding {
    /// The one whose own limit was hit during the test, else the one that has the least room in either reading.
    pub(super) fn of(before: &Cgroup, after: &Cgroup) -> Option<Self> {
        let both = after.levels.iter().map(|level| {
            let earlier = before.levels.iter().find(|one| one.above == level.above);
            Self {
                before: earlier.copied().unwrap_or_default(),
                after: *level,
            }
        });
        // Of a test that was killed there is the reading before it alone.
        let killed = before
            .levels
            .iter()
            .filter(|level| after.levels.iter().all(|other| other.above != level.above))
            .map(|level| {
                let mut after = CgroupLevel::default();
                after.above = level.above;
                Self {
                    before: *level,
                    after,
                }
            });
        both.chain(killed).min_by_key(|binding| {
            let hit = binding.max_events().max(binding.high_events());
            (hit.unwrap_or(0) == 0, binding.room().unwrap_or(u64::MAX))
        })
    }

    /// The limit that is reached first.
    pub(super) fn limit(&self) -> Option<u64> {
        self.after.limit_bytes().or(self.before.limit_bytes())
    }

    fn room(&self) -> Option<u64> {
        let held = self.before.held_bytes().max(self.after.held_bytes())?;
        Some(self.limit()?.saturating_sub(held))
    }

    /// How often it was about to go over its hard limit during the test.
    pub(super) fn max_events(&self) -> Option<u64> {
        moved(self.before.events?.max, self.after.events?.max)
    }

    /// How often it went over the limit above which it is slowed down, during the test.
    pub(super) fn high_events(&self) -> Option<u64> {
        moved(self.before.events?.high, self.after.events?.high)
    }
}

/// By how much a counter moved. One that went back was another's: the process changed its cgroup.
pub(super) fn moved(before: Option<u64>, after: Option<u64>) -> Option<u64> {
    after?.checked_sub(before?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cgroup(levels: &serde_json::Value) -> Cgroup {
        serde_json::from_value(json!({ "levels": levels })).unwrap()
    }

    fn above(before: &serde_json::Value, after: &serde_json::Value) -> Option<u32> {
        let binding = Binding::of(&cgroup(before), &cgroup(after))?;
        Some(binding.after.above)
    }

    #[test]
    fn the_one_with_the_least_room_binds_unless_another_was_hit() {
        let level = |above: u32, current: u64, max: u64, hits: u64| {
            json!({ "above": above, "current_bytes": current, "max_bytes": max,
                    "events": { "max": hits } })
        };
        let before = json!([
            level(0, 1, 100, 3),
            level(2, 10, 110, 0),
            level(5, 1, 200, 0)
        ]);
        assert_eq!(above(&before, &before), Some(0));
        // Another of the same slice grew.
        let after = json!([
            level(0, 1, 100, 3),
            level(2, 12, 110, 0),
            level(5, 1, 200, 0)
        ]);
        assert_eq!(above(&before, &after), Some(2));
        // It grew and went during the test.
        assert_eq!(above(&after, &before), Some(2));
        let after = json!([
            level(0, 1, 100, 3),
            level(2, 10, 110, 0),
            level(5, 1, 200, 1)
        ]);
        assert_eq!(above(&before, &after), Some(5));
        // Killed: there is nothing after.
        assert_eq!(above(&before, &json!([])), Some(0));
        assert_eq!(above(&json!([]), &json!([])), None);
    }

    #[test]
    fn what_can_be_dropped_is_room() {
        let before = json!([
            { "above": 0, "current_bytes": 99, "reclaimable_bytes": 90, "max_bytes": 100 },
            { "above": 1, "current_bytes": 60, "high_bytes": 100, "max_bytes": 200 }
        ]);
        assert_eq!(above(&before, &before), Some(1));
        let binding = Binding::of(&cgroup(&before), &cgroup(&before)).unwrap();
        assert_eq!((binding.limit(), binding.room()), (Some(100), Some(40)));
    }
}
