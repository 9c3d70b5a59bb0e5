//! What a sidecar's file has that its types do not: members of the host that are formatted already, and a
//! place that is found again.

use heap_sidecar::HostContext;
use serde::Serialize as _;

use super::writer::Writer;
use crate::sidecar::slot;

/// Members of a sidecar's `host` or `host_before`, as they stand in its file: what many sidecars have
/// in common is formatted once.
#[derive(Default)]
pub(crate) struct HostMembers(String);

impl HostMembers {
    pub(crate) fn of(host: &HostContext) -> Self {
        let mut object = Vec::new();
        // As deep as they will be.
        host.serialize(&mut Document::part(Writer::at_depth(1, &mut object)))
            .expect("maps with text keys");
        let object = String::from_utf8(object).expect("what is put together of texts");
        let members = object.strip_prefix('{').unwrap_or_default();
        let members = members.strip_suffix("\n  }").unwrap_or_default();
        Self(members.to_owned())
    }
}

/// A sidecar's text in the making.
pub(super) struct Document<'a> {
    pub(super) writer: Writer<'a>,
    /// More members of `host`.
    host: &'a [&'a HostMembers],
    /// More members of `host_before`.
    before: &'a [&'a HostMembers],
    /// More members of the object that begins next.
    members: &'a [&'a HostMembers],
    /// Where the value of `heap.last_seen` begins.
    last_seen_at: Option<usize>,
}

impl<'a> Document<'a> {
    pub(super) fn new(
        host: &'a [&'a HostMembers],
        before: &'a [&'a HostMembers],
        text: &'a mut Vec<u8>,
    ) -> Self {
        Self {
            host,
            before,
            ..Self::part(Writer::at_depth(0, text))
        }
    }

    /// Of a value alone.
    pub(super) fn part(writer: Writer<'a>) -> Self {
        Self {
            writer,
            host: &[],
            before: &[],
            members: &[],
            last_seen_at: None,
        }
    }

    pub(super) fn last_seen_at(&self) -> Option<usize> {
        self.last_seen_at
    }

    /// Before the value of a struct's member. That its key is one of these, at this depth, makes it the
    /// sidecar's own: keys of maps, which are the user's, do not come here.
    pub(super) fn begin_member(&mut self, key: &'static str) {
        match (self.writer.depth, key) {
            (1, "host") => self.members = self.host,
            (1, "host_before") => self.members = self.before,
            (2, "last_seen") => {
                let blanks = slot::blanks_before(self.writer.text.len());
                self.writer.text.extend(std::iter::repeat_n(b' ', blanks));
                self.last_seen_at = Some(self.writer.text.len());
            }
            _ => {}
        }
    }

    pub(super) fn begin_object(&mut self) {
        self.writer.begin_object();
        for HostMembers(members) in std::mem::take(&mut self.members) {
            self.writer.members(members);
        }
    }
}
