//! Where threads are not seen to begin, what they allocate for std's map is theirs.

use super::member::Member;
use super::moved::Moved;

#[expect(clippy::unnecessary_wraps, reason = "as where they are")]
pub(super) fn without_map(_: &Member, _: bool, now: Moved) -> Option<Moved> {
    Some(now)
}
