//! What std makes once for each thread and keeps for its life: no test's.

use std::cell::Cell;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

/// Has std make it for the calling thread, before anything is measured.
pub(super) fn prepare() {
    thread_local! {
        static PREPARED: Cell<bool> = const { Cell::new(false) };
    }
    if PREPARED.replace(true) {
        return;
    }
    // What a thread waits on a channel by: 48 bytes, made when it first has to wait. This channel has
    // no buffer, and so nothing to look at before.
    let (_sender, receiver) = sync_channel::<()>(0);
    let _nothing_was_sent = receiver.recv_timeout(Duration::ZERO);
}
