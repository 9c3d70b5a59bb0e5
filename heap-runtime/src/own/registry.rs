//! Who is measured: groups of threads, and what they have allocated.
//!
//! A *group* is open from the start of a tracked body to its end. A *member* is a thread that
//! belongs to a group: it runs the body, was started inside it, or joined by a guard. Groups nest,
//! and what a member does counts for its group and every group around that.
//!
//! ```text
//!            begin / join                     part / end of the thread
//!  (thread) ──────────────▶ member of a group ────────────────────────▶ (thread)
//!                                 │      ▲
//!                           pause │      │ resume: what our own code
//!                                 ▼      │ allocates is not the test's
//!                               paused ──┘
//! ```
//!
//! Two numbers are kept in two ways:
//!
//! - *Totals* are exact. jemalloc counts for each thread what it has allocated and freed. A member
//!   is *settled* (what its counters have moved since the last time goes to its groups) whenever it
//!   joins, parts, ends, or somebody asks. All of that happens under one lock, which is never taken
//!   on the allocation path.
//! - *Live bytes*, for peak and timeline, are sampled by each member for itself, inside the
//!   allocator: with atomics alone, so without locks, allocations or waiting.
//!
//! Members and groups are never given back to the allocator, only used again. A member refers to
//! its group, and a group to the one around it, and a group is used again when nobody refers to it
//! any more: so the pointers that a sample follows are always valid. A thread that outlives its
//! test stays in the closed group, where what it does is charged to nobody but a group around.
//!
//! A member keeps a stack of the groups that it is in: the one it was born into, and those that it
//! has joined by a guard. The last is its group. Guards may be dropped in any order, and even after
//! the thread's end: each takes out its own entry, if that is still there.

use std::ffi::c_void;
use std::ptr::null_mut;

use super::Notes;
use super::sync::{
    Arc, AtomicBool, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, Mutex, MutexGuard, Ordering,
};
use super::timeline::Timeline;

// Everything but a sample happens under the registry's lock, which orders it. A sample reads what
// its own thread has written, and adds to sums.
const RELAXED: Ordering = Ordering::Relaxed;

/// All groups and members of the process.
pub(crate) struct Registry {
    lists: Mutex<Lists>,
}

/// Every member and group that there ever was; those not in use are used again.
#[derive(Default)]
struct Lists {
    members: Vec<&'static Member>,
    groups: Vec<&'static Group>,
    /// For each member, the groups that it is in.
    stacks: Vec<Vec<Entry>>,
    tickets: u64,
}

/// A group that a member is in. It is a reference to the group.
struct Entry {
    /// None for the group that the member was born into.
    ticket: Option<Ticket>,
    group: &'static Group,
    /// Whether the member was paused when it came.
    paused_before: bool,
}

/// What a member gets when it joins a group, and parts from it with. None is given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

/// A pointer to something that lives for ever, or to nothing.
struct Link<T: 'static>(AtomicPtr<T>);

impl<T> Link<T> {
    fn none() -> Self {
        Self(AtomicPtr::new(null_mut()))
    }

    fn get(&self) -> Option<&'static T> {
        let pointer = self.0.load(Ordering::Acquire);
        // SAFETY: only `set` stores a pointer, and it takes a reference that lives for ever.
        unsafe { pointer.as_ref() }
    }

    fn set(&self, target: Option<&'static T>) {
        let pointer = target.map_or(null_mut(), |target| std::ptr::from_ref(target).cast_mut());
        self.0.store(pointer, Ordering::Release);
    }
}

/// Two counters of one thread: bytes allocated, bytes freed.
#[derive(Clone, Copy)]
pub(crate) struct Counters {
    pub(crate) allocated: &'static AtomicU64,
    pub(crate) deallocated: &'static AtomicU64,
}

/// Bytes allocated and freed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) allocated: u64,
    pub(crate) deallocated: u64,
}

impl Moved {
    /// Allocated minus freed.
    pub(crate) fn net(self) -> i64 {
        self.allocated.wrapping_sub(self.deallocated).cast_signed()
    }

    fn since(self, earlier: Self) -> Self {
        Self {
            allocated: self.allocated.wrapping_sub(earlier.allocated),
            deallocated: self.deallocated.wrapping_sub(earlier.deallocated),
        }
    }
}

/// A thread that is or was measured.
pub(crate) struct Member {
    in_use: AtomicBool,
    /// Its place in the registry, and in the sets of members that groups keep.
    index: usize,
    /// The innermost group. Written by the thread itself, or before it runs.
    group: Link<Group>,
    /// Absent until the thread has begun, and where jemalloc does not count for it. Valid as long
    /// as the thread runs; a thread's end takes them away, under the lock.
    allocated: Link<AtomicU64>,
    deallocated: Link<AtomicU64>,
    /// The counters when the member was last settled.
    settled_allocated: AtomicU64,
    settled_deallocated: AtomicU64,
    /// Allocated minus freed when the member last sampled itself.
    sampled: AtomicI64,
    paused: AtomicBool,
    /// What the thread was started to do: a function and its argument, from the thread that starts
    /// it to the one that begins.
    pub(crate) errand: [AtomicPtr<c_void>; 2],
}

/// The threads of one tracked body, and what they have come to.
pub(crate) struct Group {
    /// Members in it, groups in it, and handles on it.
    references: AtomicU32,
    open: AtomicBool,
    around: Link<Group>,
    exact: AtomicBool,
    allocated: AtomicU64,
    deallocated: AtomicU64,
    allocations: AtomicU64,
    live: AtomicI64,
    peak: AtomicI64,
    /// The sum of what `add_peak` was given.
    thread_peaks: AtomicI64,
    /// Threads that were ever in it, and a set of those that came by a guard.
    threads: AtomicU32,
    joined: [AtomicU64; 16],
    /// Threads in it now, and the most there were at once.
    running: AtomicU32,
    most_running: AtomicU32,
    /// Other outermost groups that were open at the same time.
    overlap: AtomicU32,
    notes: Mutex<Option<Arc<Notes>>>,
    timeline: Timeline,
}

/// What a group has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) moved: Moved,
    /// The largest sampled amount of live bytes, at least what is live now.
    pub(crate) peak: u64,
    pub(crate) allocations: u64,
    pub(crate) threads: u32,
    /// Threads that are still in it.
    pub(crate) threads_running: u32,
    pub(crate) most_running: u32,
    pub(crate) overlap: u32,
}

impl Member {
    fn new(index: usize) -> Self {
        Self {
            in_use: AtomicBool::new(true),
            index,
            group: Link::none(),
            allocated: Link::none(),
            deallocated: Link::none(),
            settled_allocated: AtomicU64::new(0),
            settled_deallocated: AtomicU64::new(0),
            sampled: AtomicI64::new(0),
            paused: AtomicBool::new(false),
            errand: [null_mut(), null_mut()].map(AtomicPtr::new),
        }
    }

    /// What its counters say; `None` where it has none.
    fn counted(&self) -> Option<Moved> {
        Some(Moved {
            allocated: self.allocated.get()?.load(RELAXED),
            deallocated: self.deallocated.get()?.load(RELAXED),
        })
    }

    fn set_counters(&self, counters: Option<Counters>) {
        self.allocated
            .set(counters.map(|counters| counters.allocated));
        self.deallocated
            .set(counters.map(|counters| counters.deallocated));
    }

    /// Gives what was moved since the last time to the groups. Under the lock.
    fn settle(&self) {
        if self.paused.load(RELAXED) {
            return;
        }
        let Some(now) = self.counted() else { return };
        let moved = now.since(Moved {
            allocated: self.settled_allocated.load(RELAXED),
            deallocated: self.settled_deallocated.load(RELAXED),
        });
        self.note_settled(now);
        for group in chain(self.group.get()) {
            group.allocated.fetch_add(moved.allocated, RELAXED);
            group.deallocated.fetch_add(moved.deallocated, RELAXED);
        }
    }

    fn note_settled(&self, now: Moved) {
        self.settled_allocated.store(now.allocated, RELAXED);
        self.settled_deallocated.store(now.deallocated, RELAXED);
    }

    /// Forgets what was moved up to now. By the thread itself, under the lock.
    fn start_afresh(&self) {
        if let Some(now) = self.counted() {
            self.note_settled(now);
            self.sampled.store(now.net(), RELAXED);
        }
    }

    /// Settles and samples. By the thread itself, under the lock.
    fn account(&self) {
        self.settle();
        if let Some(now) = self.counted() {
            self.sample(now);
        }
    }

    /// Adds to the groups' live bytes what this thread's have changed. By the thread itself; this
    /// is what runs inside the allocator.
    pub(crate) fn sample(&self, now: Moved) {
        if self.paused.load(RELAXED) {
            return;
        }
        let change = now.net() - self.sampled.load(RELAXED);
        if change == 0 {
            return;
        }
        self.sampled.store(now.net(), RELAXED);
        for group in chain(self.group.get()) {
            let live = group.live.fetch_add(change, RELAXED) + change;
            group.peak.fetch_max(live, RELAXED);
            group.timeline.record(live);
        }
    }

    /// [`sample`](Self::sample), for those groups alone that asked for each allocation.
    pub(crate) fn sample_exactly(&self, is_alloc: bool, now: Moved) {
        if self.paused.load(RELAXED) || !chain(self.group.get()).any(Group::is_exact) {
            return;
        }
        // Also where the other call-back has been here first.
        self.sample(now);
        if is_alloc {
            for group in chain(self.group.get()).filter(|group| group.is_exact()) {
                group.allocations.fetch_add(1, RELAXED);
            }
        }
    }

    /// Adds to the groups a peak that was taken of this thread alone, where live bytes cannot be
    /// sampled. By the thread itself.
    pub(crate) fn add_peak(&self, bytes: u64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        for group in chain(self.group.get()) {
            group.thread_peaks.fetch_add(bytes, RELAXED);
        }
    }

    /// Whether what the thread does is not to be counted now.
    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(RELAXED)
    }

    /// The notes of the innermost open group that has some.
    pub(crate) fn notes(&self) -> Option<Arc<Notes>> {
        chain(self.group.get())
            .filter(|group| group.open.load(RELAXED))
            .find_map(|group| lock(&group.notes).clone())
    }

    /// Whether its group is this one, or inside it.
    pub(crate) fn is_in(&self, group: &'static Group) -> bool {
        is_within(self.group.get(), group)
    }

    /// The innermost group, unless it and all around it are closed.
    pub(crate) fn open_group(&self) -> Option<&'static Group> {
        let group = self.group.get();
        chain(group)
            .any(|group| group.open.load(RELAXED))
            .then_some(group)
            .flatten()
    }
}

impl Group {
    fn new() -> Self {
        Self {
            references: AtomicU32::new(0),
            open: AtomicBool::new(false),
            around: Link::none(),
            exact: AtomicBool::new(false),
            allocated: AtomicU64::new(0),
            deallocated: AtomicU64::new(0),
            allocations: AtomicU64::new(0),
            live: AtomicI64::new(0),
            peak: AtomicI64::new(0),
            thread_peaks: AtomicI64::new(0),
            threads: AtomicU32::new(0),
            joined: std::array::from_fn(|_| AtomicU64::new(0)),
            running: AtomicU32::new(0),
            most_running: AtomicU32::new(0),
            overlap: AtomicU32::new(0),
            notes: Mutex::new(None),
            timeline: Timeline::new(),
        }
    }

    fn is_exact(&self) -> bool {
        self.exact.load(RELAXED)
    }

    /// Where what the test says about itself goes.
    pub(crate) fn set_notes(&self, notes: Option<Arc<Notes>>) {
        *lock(&self.notes) = notes;
    }

    /// Its live bytes over time.
    pub(crate) fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// A thread is in it from now on.
    fn came(&self, again: bool) {
        if !again {
            self.threads.fetch_add(1, RELAXED);
        }
        let running = self.running.fetch_add(1, RELAXED) + 1;
        self.most_running.fetch_max(running, RELAXED);
    }

    fn went(&self) {
        self.running.fetch_sub(1, RELAXED);
    }

    /// Whether a thread has joined before. Those beyond the set are taken for new.
    fn has_joined(&self, member: &Member) -> bool {
        self.joined.get(member.index / 64).is_some_and(|word| {
            let bit = 1 << (member.index % 64);
            word.fetch_or(bit, RELAXED) & bit != 0
        })
    }

    fn forget_joined(&self, member: &Member) {
        if let Some(word) = self.joined.get(member.index / 64) {
            word.fetch_and(!(1 << (member.index % 64)), RELAXED);
        }
    }
}

/// A group and those around it, from the inside out.
fn chain(innermost: Option<&'static Group>) -> impl Iterator<Item = &'static Group> {
    std::iter::successors(innermost, |group| group.around.get())
}

fn is_within(group: Option<&'static Group>, outer: &'static Group) -> bool {
    chain(group).any(|group| std::ptr::eq(group, outer))
}

/// The groups that a member with this stack is in, or no more in, by one entry more or less.
fn differing(stack: &[Entry], group: &'static Group) -> impl Iterator<Item = &'static Group> {
    chain(Some(group)).filter(|outer| {
        !stack
            .iter()
            .any(|entry| is_within(Some(entry.group), outer))
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind a lock here is never left half-done by a panic.
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The registry, locked: for `fork`, whose child must find it unlocked and whole.
pub(crate) struct Locked<'a> {
    lists: MutexGuard<'a, Lists>,
}

impl Locked<'_> {
    /// In the child of a fork: only the calling thread has come along, so only its member is left.
    /// The counters of the others are no one's memory any more. Allocates nothing.
    pub(crate) fn forget_others(&mut self, survivor: Option<&'static Member>) {
        for index in 0..self.lists.members.len() {
            let Some(&member) = self.lists.members.get(index) else {
                continue;
            };
            let survives = survivor.is_some_and(|survivor| std::ptr::eq(survivor, member));
            if !survives && member.in_use.load(RELAXED) {
                member.set_counters(None);
                self.lists.end(member);
            }
        }
    }
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self {
            lists: Mutex::new(Lists::default()),
        }
    }

    pub(crate) fn lock(&self) -> Locked<'_> {
        Locked {
            lists: lock(&self.lists),
        }
    }

    /// Makes the calling thread a member, in no group yet.
    pub(crate) fn enlist(&self, counters: Option<Counters>) -> &'static Member {
        let member = lock(&self.lists).free_member();
        begin(member, counters);
        member
    }

    /// A member for a thread that `parent`, the calling thread, is about to start: it will be in
    /// the same group. `None` where there is nothing to be measured.
    pub(crate) fn birth(&self, parent: &'static Member) -> Option<&'static Member> {
        parent.open_group()?;
        let mut lists = lock(&self.lists);
        // The list may have to grow, which is not what the test has allocated.
        let paused = pause(parent);
        let member = lists.free_member();
        let group = parent.group.get();
        if let Some(group) = group {
            lists.push(member, None, group);
        }
        member.group.set(group);
        for group in chain(group) {
            group.came(false);
        }
        drop(paused);
        Some(member)
    }

    /// The thread of `member` could not be started: it has never been.
    pub(crate) fn stillborn(&self, member: &'static Member) {
        let mut lists = lock(&self.lists);
        for group in chain(member.group.get()) {
            group.threads.fetch_sub(1, RELAXED);
        }
        lists.end(member);
    }

    /// The thread of `member` has begun, and this is it.
    pub(crate) fn begin(&self, member: &'static Member, counters: Option<Counters>) {
        let _lists = lock(&self.lists);
        begin(member, counters);
    }

    /// The thread of `member`, which calls this, may be ending: until it wakes the member again or
    /// ends it, nobody may read its counters, which die with it.
    pub(crate) fn doze(&self, member: &'static Member) {
        let _lists = lock(&self.lists);
        member.account();
        member.set_counters(None);
    }

    /// The thread of `member`, which calls this, was not at its end. What it has moved since it
    /// dozed off is counted.
    pub(crate) fn wake(&self, member: &'static Member, counters: Option<Counters>) {
        let _lists = lock(&self.lists);
        member.set_counters(counters);
    }

    /// The thread of `member`, which calls this, ends.
    pub(crate) fn end(&self, member: &'static Member) {
        let mut lists = lock(&self.lists);
        member.account();
        lists.end(member);
    }

    /// Opens a group inside the one that `member`, the calling thread, is in. Nobody is in it yet.
    pub(crate) fn open(
        &self,
        member: &'static Member,
        exact: bool,
        every_bytes: u64,
    ) -> &'static Group {
        let mut lists = lock(&self.lists);
        let paused = pause(member);
        let around = member.group.get();
        let group = lists.free_group();
        refer(Some(group));
        refer(around);
        group.around.set(around);
        group.exact.store(exact, RELAXED);
        group.timeline.set_every_bytes(every_bytes);
        // A group inside another is part of the same test, so only outermost ones are counted.
        for other in &lists.groups {
            if other.open.load(RELAXED) && !is_within(around, other) {
                other
                    .overlap
                    .fetch_add(u32::from(around.is_none()), RELAXED);
                let other_is_outermost = other.around.get().is_none();
                group
                    .overlap
                    .fetch_add(u32::from(other_is_outermost), RELAXED);
            }
        }
        group.open.store(true, RELAXED);
        drop(paused);
        group
    }

    /// Moves `member`, the calling thread, into `group`, until it parts with the ticket.
    pub(crate) fn join(&self, member: &'static Member, group: &'static Group) -> Ticket {
        let mut lists = lock(&self.lists);
        member.account();
        // The stack may have to grow, which is not what the test has allocated.
        let paused_before = member.paused.swap(true, RELAXED);
        lists.tickets += 1;
        let ticket = Ticket(lists.tickets);
        for group in differing(lists.stack(member), group) {
            group.came(group.has_joined(member));
        }
        lists.push(member, Some(ticket), group);
        if let Some(entry) = lists.stack_mut(member).last_mut() {
            entry.paused_before = paused_before;
        }
        member.group.set(Some(group));
        // Nothing may come between this and the body: it would be counted.
        member.start_afresh();
        member.paused.store(false, RELAXED);
        ticket
    }

    /// Moves `member`, the calling thread, back to where it was before it joined with that ticket;
    /// where it has joined another group since then, it stays there.
    pub(crate) fn part(&self, member: &'static Member, ticket: Ticket) {
        let mut lists = lock(&self.lists);
        // First of all: what follows is not the test's.
        member.account();
        let stack = lists.stack_mut(member);
        let Some(at) = stack.iter().position(|entry| entry.ticket == Some(ticket)) else {
            return;
        };
        let parted = stack.remove(at);
        for group in differing(stack, parted.group) {
            group.went();
        }
        match stack.get_mut(at) {
            Some(above) => above.paused_before = parted.paused_before,
            None => member.paused.store(parted.paused_before, RELAXED),
        }
        member.group.set(stack.last().map(|entry| entry.group));
        release(Some(parted.group));
    }

    /// What the group has come to now.
    pub(crate) fn totals(&self, group: &'static Group) -> Totals {
        lock(&self.lists).totals(group)
    }

    /// Closes a group, and gives what it has come to, and the group itself to `last` before
    /// anybody else can use it.
    pub(crate) fn close<T>(
        &self,
        group: &'static Group,
        last: impl FnOnce(&'static Group, Totals) -> T,
    ) -> T {
        let lists = lock(&self.lists);
        let totals = lists.totals(group);
        group.open.store(false, RELAXED);
        group.timeline.stop();
        drop(lists);
        let result = last(group, totals);
        let _lists = lock(&self.lists);
        group.set_notes(None);
        release(Some(group));
        result
    }

    /// Keeps the group from being used again until it is let go.
    pub(crate) fn hold(&self, group: &'static Group) {
        let _lists = lock(&self.lists);
        refer(Some(group));
    }

    /// See [`hold`](Self::hold).
    pub(crate) fn let_go(&self, group: &'static Group) {
        let _lists = lock(&self.lists);
        release(Some(group));
    }

    /// From here on, what the calling thread allocates is our own. Says whether it was not so
    /// before; then `resume` ends it.
    pub(crate) fn pause(&self, member: &'static Member) -> bool {
        let _lists = lock(&self.lists);
        pause(member).map(std::mem::forget).is_some()
    }

    /// See [`pause`](Self::pause).
    pub(crate) fn resume(&self, member: &'static Member) {
        let _lists = lock(&self.lists);
        resume(member);
    }
}

/// The thread of a member is running, and has these counters.
fn begin(member: &'static Member, counters: Option<Counters>) {
    member.set_counters(counters);
    member.start_afresh();
}

/// Gives the guard that ends the pause; none where it was paused before.
fn pause(member: &Member) -> Option<Paused<'_>> {
    if member.paused.load(RELAXED) {
        return None;
    }
    member.account();
    member.paused.store(true, RELAXED);
    Some(Paused(member))
}

/// Ends a pause when it is dropped, under the lock.
struct Paused<'a>(&'a Member);

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        resume(self.0);
    }
}

fn resume(member: &Member) {
    member.start_afresh();
    member.paused.store(false, RELAXED);
}

fn refer(group: Option<&'static Group>) {
    if let Some(group) = group {
        group.references.fetch_add(1, RELAXED);
    }
}

/// Takes a reference back. With the last one, the group is free, and refers no more to the one
/// around it.
fn release(mut group: Option<&'static Group>) {
    while let Some(free) = group {
        if free.references.fetch_sub(1, RELAXED) > 1 {
            return;
        }
        group = free.around.get();
        free.around.set(None);
    }
}

impl Lists {
    fn free_member(&mut self) -> &'static Member {
        let free = self
            .members
            .iter()
            .find(|member| !member.in_use.load(RELAXED));
        if let Some(member) = free {
            member.in_use.store(true, RELAXED);
            return member;
        }
        let member: &'static Member = Box::leak(Box::new(Member::new(self.members.len())));
        self.members.push(member);
        self.stacks.push(Vec::new());
        member
    }

    // Every member has a stack: both lists grow together.
    fn stack(&self, member: &Member) -> &[Entry] {
        &self.stacks[member.index]
    }

    fn stack_mut(&mut self, member: &Member) -> &mut Vec<Entry> {
        &mut self.stacks[member.index]
    }

    fn push(&mut self, member: &Member, ticket: Option<Ticket>, group: &'static Group) {
        refer(Some(group));
        self.stack_mut(member).push(Entry {
            ticket,
            group,
            paused_before: false,
        });
    }

    /// Takes a member out of all groups and frees it. Its guards, where there still are some, do
    /// nothing any more.
    fn end(&mut self, member: &'static Member) {
        member.group.set(None);
        member.set_counters(None);
        member.paused.store(false, RELAXED);
        let stack = self.stack_mut(member);
        while let Some(entry) = stack.pop() {
            for group in differing(stack, entry.group) {
                group.went();
            }
            release(Some(entry.group));
        }
        for group in &self.groups {
            group.forget_joined(member);
        }
        member.in_use.store(false, RELAXED);
    }

    fn free_group(&mut self) -> &'static Group {
        let free = self
            .groups
            .iter()
            .find(|group| group.references.load(RELAXED) == 0);
        let group = if let Some(group) = free {
            group
        } else {
            let group: &'static Group = Box::leak(Box::new(Group::new()));
            self.groups.push(group);
            group
        };
        for counter in [&group.allocated, &group.deallocated, &group.allocations] {
            counter.store(0, RELAXED);
        }
        for count in [
            &group.threads,
            &group.running,
            &group.most_running,
            &group.overlap,
        ] {
            count.store(0, RELAXED);
        }
        for word in &group.joined {
            word.store(0, RELAXED);
        }
        group.live.store(0, RELAXED);
        group.peak.store(0, RELAXED);
        group.thread_peaks.store(0, RELAXED);
        group
    }

    fn totals(&self, group: &'static Group) -> Totals {
        let mut threads_running = 0;
        for member in &self.members {
            if member.in_use.load(RELAXED) && member.is_in(group) {
                member.settle();
                threads_running += 1;
            }
        }
        let moved = Moved {
            allocated: group.allocated.load(RELAXED),
            deallocated: group.deallocated.load(RELAXED),
        };
        let peak = [&group.peak, &group.thread_peaks]
            .map(|peak| peak.load(RELAXED))
            .into_iter()
            .fold(moved.net().max(0), i64::max);
        Totals {
            moved,
            peak: peak.unsigned_abs(),
            allocations: group.allocations.load(RELAXED),
            threads: group.threads.load(RELAXED),
            threads_running,
            most_running: group.most_running.load(RELAXED),
            overlap: group.overlap.load(RELAXED),
        }
    }
}
