//! Arenas that were made by hand: by `arenas.create`, for `mallocx` or `thread.arena`.
//!
//! `arena.N.reset` and `arena.N.destroy` free all that is in such an arena, and count it for no thread. Of how much
//! that was, nothing is left: a large block that was freed so is in jemalloc's statistics as any other. So it can be
//! said only that nothing has happened in those arenas. jemalloc's own arenas cannot be reset.

use std::sync::OnceLock;

use tikv_jemalloc_ctl::{arenas, epoch, epoch_mib, opt, raw};

use super::readings::ByHand;
use crate::fork;

/// The index by which jemalloc tells of all arenas that were destroyed.
const DESTROYED: usize = 4097;

struct Names {
    narenas: arenas::narenas_mib,
    epoch: epoch_mib,
    /// The first number that an arena made by hand can have.
    first: usize,
    /// Numbers of blocks by arena: small and large ones, made and freed.
    events: [[usize; 5]; 4],
    small_bytes: [usize; 5],
}

impl Names {
    fn find() -> Option<Self> {
        let of_arena = |name: &[u8]| {
            let mut mib = [0; 5];
            raw::name_to_mib(name, &mut mib).ok()?;
            Some(mib)
        };
        // One beside jemalloc's own is kept for blocks above a threshold, where there is one.
        // SAFETY: the name gives a size_t.
        let threshold: usize = unsafe { raw::read(b"opt.oversize_threshold\0") }.ok()?;
        let own = usize::try_from(opt::narenas::read().ok()?).ok()?;
        Some(Self {
            narenas: arenas::narenas::mib().ok()?,
            epoch: epoch::mib().ok()?,
            first: own + usize::from(threshold > 0),
            events: [
                of_arena(b"stats.arenas.0.small.nmalloc\0")?,
                of_arena(b"stats.arenas.0.small.ndalloc\0")?,
                of_arena(b"stats.arenas.0.large.nmalloc\0")?,
                of_arena(b"stats.arenas.0.large.ndalloc\0")?,
            ],
            small_bytes: of_arena(b"stats.arenas.0.small.allocated\0")?,
        })
    }

    /// How many there are, jemalloc's own among them. Never fewer than before.
    fn count(&self) -> Option<usize> {
        usize::try_from(self.narenas.read().ok()?).ok()
    }
}

/// What has happened in arenas made by hand up to now. In a process that has none this is one reading, of some 20 ns;
/// else the statistics are brought up to date. None where it cannot be told.
pub(crate) fn by_hand(may_read_statistics: impl FnOnce() -> bool) -> Option<ByHand> {
    static NAMES: OnceLock<Option<Names>> = OnceLock::new();
    let names = fork::get_or_make(&NAMES, Names::find).as_ref()?;
    let count = names.count()?;
    let mut all = ByHand::default();
    if count <= names.first {
        return Some(all);
    }
    if !may_read_statistics() {
        return None;
    }
    names.epoch.advance().ok()?;
    for arena in (names.first..count).chain([DESTROYED]) {
        for mib in names.events {
            all.events = all.events.wrapping_add(read::<u64>(mib, arena));
        }
        all.small_bytes = all
            .small_bytes
            .wrapping_add(read::<usize>(names.small_bytes, arena) as u64);
    }
    Some(all)
}

/// A number of that arena's; none of one that is not there, or no more.
fn read<T: Copy + Default>(mut mib: [usize; 5], arena: usize) -> T {
    mib[2] = arena;
    // SAFETY: all of these give a u64, but bytes, which are a size_t.
    unsafe { raw::read_mib(&mib) }.unwrap_or_default()
}
