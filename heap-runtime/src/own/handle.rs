//! Joining a test's measurement by hand, where a thread cannot know by itself.

use std::fmt;
use std::marker::PhantomData;
use std::sync::OnceLock;

use super::group::Group;
use super::member::Member;
use super::membership::{Membership, join, member};
use super::stack::Joins;
use super::this_thread::{MEMBER, REGISTRY};
use super::unmeasured::unmeasured;
use super::{sampler, spending};
use crate::time::Ask;

/// The tracked test that a thread was in, for other threads to join.
///
/// Threads that are started inside a test need none on Linux with glibc. It is for those that
/// were there before, such as a global thread pool's, and for other targets: [`enter`](Self::enter) for a
/// piece of code, [`wrap`](Self::wrap) for a closure, [`instrument`](Self::instrument) for a future. Those of a pool
/// that tests share are made [`nobody`]'s.
///
/// ```standalone_crate
/// # heap_runtime::use_jemalloc!();
/// # let folder = std::env::temp_dir().join(format!("heap-runtime-handle-{}", std::process::id()));
/// # // SAFETY: no other thread has been started.
/// # unsafe { std::env::set_var("HEAP_SIDECAR_DIR", &folder) };
/// use std::sync::mpsc;
/// use std::thread;
///
/// // A pool that was there before the test.
/// let (pool, jobs) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
/// thread::spawn(move || jobs.into_iter().for_each(|job| job()));
///
/// heap_runtime::track("works_on_a_pool", || {
///     let test = heap_runtime::current();
///     let (done, ended) = mpsc::channel();
///     let job = move || {
///         let measured = test.enter();
///         let sum: usize = vec![1_usize; 1 << 17].iter().sum();
///         drop(measured);
///         done.send(sum).expect("the test waits");
///     };
///     assert!(pool.send(Box::new(job)).is_ok());
///     assert_eq!(ended.recv(), Ok(1 << 17));
/// });
///
/// // `folder` is HEAP_SIDECAR_DIR.
/// let (sidecars, _) = heap_sidecar::read_run(&folder)?;
/// let own = sidecars[0].heap.own.expect("jemalloc counts");
/// assert_eq!(own.threads, 2);
/// assert!(own.allocated_bytes >= 1 << 20);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Handle {
    group: Option<&'static Group>,
}

/// A handle on the innermost tracked test that the calling thread is in. Outside one, it is [`nobody`]'s.
///
/// ```
/// use heap_runtime::{current, track};
///
/// track("asks_a_worker", || {
///     let test = current();
///     let worker = std::thread::spawn(move || {
///         let _in_the_test = test.enter();
///         format!("{:?}", current())
///     });
///     assert_eq!(worker.join().unwrap(), "Handle { in_a_test: true }");
/// });
/// assert_eq!(format!("{:?}", current()), "Handle { in_a_test: false }");
/// ```
#[must_use]
pub fn current() -> Handle {
    Handle::to(MEMBER.get().and_then(Member::open_group))
}

/// A handle on no test: what a thread that enters it does is charged to nobody.
///
/// It is for what several tests share. The threads of a pool are started inside whichever test needs it first, and
/// would be that test's, with all that they do for others. As nobody's, they work for the test whose handle a job
/// [brings along](Handle::wrap).
///
/// ```standalone_crate
/// # heap_runtime::use_jemalloc!();
/// # let folder = std::env::temp_dir().join(format!("heap-runtime-nobody-{}", std::process::id()));
/// # // SAFETY: no other thread has been started.
/// # unsafe { std::env::set_var("HEAP_SIDECAR_DIR", &folder) };
/// use std::hint::black_box;
/// use std::sync::LazyLock;
///
/// use rayon::{ThreadPool, ThreadPoolBuilder};
///
/// /// What it is made of is nobody's, too.
/// static POOL: LazyLock<ThreadPool> = LazyLock::new(|| {
///     let _nobodys = heap_runtime::nobody().enter();
///     ThreadPoolBuilder::new()
///         .num_threads(2)
///         .build()
///         .expect("there are threads to be had")
/// });
///
/// fn job() {
///     drop(black_box(vec![0_u8; 1 << 20]));
/// }
///
/// heap_runtime::track("is_the_first", || POOL.install(job));
/// heap_runtime::track("brings_its_handle", || POOL.install(heap_runtime::current().wrap(job)));
///
/// // `folder` is HEAP_SIDECAR_DIR.
/// let (sidecars, _) = heap_sidecar::read_run(&folder)?;
/// for sidecar in &sidecars {
///     let allocated = sidecar.heap.own.expect("jemalloc counts").allocated_bytes;
///     assert_eq!(allocated >= 1 << 20, sidecar.test_name == "brings_its_handle");
/// }
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn nobody() -> Handle {
    Handle::to(None)
}

/// A group that never opens.
fn nobodys() -> &'static Group {
    static NOBODYS: OnceLock<&'static Group> = OnceLock::new();
    NOBODYS.get_or_init(|| unmeasured(|| Box::leak(Box::new(Group::new()))))
}

/// Makes once what a handle on no test needs: in a fork, nobody can be waited for who makes it.
pub(super) fn prepare() {
    nobodys();
}

impl Handle {
    fn to(group: Option<&'static Group>) -> Self {
        if let Some(group) = group {
            REGISTRY.hold(group);
        }
        Self { group }
    }

    /// Makes the calling thread one of the test's, and of no other, until the guard is dropped. After the
    /// test's end, it is charged to nobody.
    #[must_use = "the thread leaves the test again as soon as the guard is dropped"]
    pub fn enter(&self) -> Entered<'_> {
        Entered {
            membership: self
                .target()
                .map(|group| join(group, Joins::Instead, Ask::WhereWorthIt)),
            handle: PhantomData,
        }
    }

    pub(super) fn is_in_a_test(&self) -> bool {
        self.group.is_some()
    }

    /// Where a thread goes that enters; `None` where that changes nothing.
    fn target(&self) -> Option<&'static Group> {
        // A thread that was never in a test is nobody's already.
        self.group.or_else(|| MEMBER.get().map(|_| nobodys()))
    }

    /// Makes the calling thread one of the test's to its end, as though it had been started there, and no more one of
    /// the test that has started it. A guard comes before that, as long as there is one.
    ///
    /// It is what a pool's threads do first. Tokio starts some of them long after the runtime was made, inside whichever
    /// test gives them work:
    ///
    /// ```
    /// let runtime = tokio::runtime::Builder::new_multi_thread()
    ///     .worker_threads(2)
    ///     .on_thread_start(|| heap_runtime::nobody().enter_for_good())
    ///     .build()?;
    /// let name = runtime.spawn(async { format!("{:?}", heap_runtime::current()) });
    /// assert_eq!(runtime.block_on(name)?, "Handle { in_a_test: false }");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn enter_for_good(&self) {
        if let Some(group) = self.target() {
            let member = member();
            spending::stops(member, Ask::Always);
            sampler::take_thread_peak(member);
            REGISTRY.move_home(member, group);
            spending::starts(member, Ask::Always);
        }
    }
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        Self::to(self.group)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            REGISTRY.let_go(group);
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("in_a_test", &self.is_in_a_test())
            .finish()
    }
}

/// A thread in a test by [`Handle::enter`]; it goes back to where it was when this is dropped. Of
/// several, the last that was entered counts, in whatever order they are dropped.
///
/// ```
/// use heap_runtime::{EnteredHandle, Handle, current, track};
///
/// /// What a pool's worker has while it works for a test.
/// struct Job<'a> {
///     _in_the_test: EnteredHandle<'a>,
/// }
///
/// let mut test: Option<Handle> = None;
/// track("gives_a_job", || test = Some(current()));
/// let test = test.expect("it has run");
/// let job = Job { _in_the_test: test.enter() };
/// // The test has ended: what this thread allocates is charged to nobody.
/// assert_eq!(format!("{:?}", current()), "Handle { in_a_test: false }");
/// drop(job);
/// ```
pub struct Entered<'a> {
    membership: Option<Membership>,
    // Not beyond the handle, which keeps the group.
    handle: PhantomData<&'a Handle>,
}

impl fmt::Debug for Entered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entered")
            .field("in_a_test", &self.membership.is_some())
            .finish()
    }
}
