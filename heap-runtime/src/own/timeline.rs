//! Live bytes over time, in bounded space.

use super::now::now_ns;
use super::sync::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering, POINTS, yield_now};

const RELAXED: Ordering = Ordering::Relaxed;

/// The points so far. When they fill the space, every two become one, the larger of the two, and
/// from then on only every second sample is taken: the picture gets coarser, and its peaks stay.
pub(crate) struct TimelineRecorder {
    /// Held while a point is written. Who finds it held leaves the point to the next and goes on: a sample
    /// runs inside the allocator and may not wait.
    busy: AtomicBool,
    /// Nobody writes any more: what is there is whole.
    stopped: AtomicBool,
    started_ns: AtomicU64,
    length: AtomicU32,
    /// Every how many samples one is kept, and how many have passed since.
    stride: AtomicU64,
    passed: AtomicU64,
    /// The largest live amount of those that passed, so that no peak is lost between two points.
    highest: AtomicI64,
    every_bytes: AtomicU64,
    points: [Point; POINTS],
}

struct Point {
    at_ns: AtomicU64,
    live: AtomicI64,
}

impl TimelineRecorder {
    pub(crate) fn new() -> Self {
        Self {
            busy: AtomicBool::new(true),
            stopped: AtomicBool::new(false),
            started_ns: AtomicU64::new(0),
            length: AtomicU32::new(0),
            stride: AtomicU64::new(1),
            passed: AtomicU64::new(0),
            highest: AtomicI64::new(i64::MIN),
            every_bytes: AtomicU64::new(0),
            points: std::array::from_fn(|_| Point {
                at_ns: AtomicU64::new(0),
                live: AtomicI64::new(0),
            }),
        }
    }

    /// How many bytes a thread moves between two samples.
    pub(crate) fn set_every_bytes(&self, every_bytes: u64) {
        self.every_bytes.store(every_bytes, RELAXED);
    }

    /// See [`set_every_bytes`](Self::set_every_bytes).
    pub(crate) fn interval(&self) -> u64 {
        self.every_bytes.load(RELAXED)
    }

    /// Starts anew, with no points.
    pub(crate) fn start(&self) {
        self.stopped.store(false, RELAXED);
        self.length.store(0, RELAXED);
        self.stride.store(1, RELAXED);
        self.passed.store(0, RELAXED);
        self.highest.store(i64::MIN, RELAXED);
        self.started_ns.store(now_ns(), RELAXED);
        self.busy.store(false, Ordering::Release);
    }

    /// Takes no more points, and gives a thread that is writing one the time to finish. It may
    /// have been stopped in the middle, by the test or by a scheduler that favours us: then there
    /// is no timeline, because nobody knows which of its points are whole.
    pub(crate) fn stop(&self) {
        for _ in 0..1000 {
            // It stays held from here on: whoever comes later leaves its point, as it would to a thread that writes.
            if !self.busy.swap(true, Ordering::Acquire) {
                self.stopped.store(true, RELAXED);
                return;
            }
            yield_now();
        }
    }

    /// Takes a sample: it passes, or is a point with those that have passed.
    pub(crate) fn add(&self, live: i64) {
        // Most samples pass, and then to look is cheaper than to write.
        if live > self.highest.load(RELAXED) {
            self.highest.fetch_max(live, RELAXED);
        }
        let passed = self.passed.load(RELAXED) + 1;
        if passed < self.stride.load(RELAXED) {
            // Of two threads that pass at once, only one may count: then the next point comes later.
            self.passed.store(passed, RELAXED);
            return;
        }
        if self.busy.swap(true, Ordering::Acquire) {
            return;
        }
        self.passed.store(0, RELAXED);
        // Where another thread has taken it a moment ago, what is live is left.
        self.push(self.highest.swap(i64::MIN, RELAXED).max(live));
        // With the Acquire of whoever writes or reads next: this point is whole by then.
        self.busy.store(false, Ordering::Release);
    }

    fn push(&self, live: i64) {
        let mut length = self.length.load(RELAXED) as usize;
        if length == POINTS {
            self.halve();
            length = POINTS / 2;
        }
        if let Some(point) = self.points.get(length) {
            let at_ns = self.elapsed_ns();
            point.at_ns.store(at_ns, RELAXED);
            point.live.store(live, RELAXED);
            #[expect(clippy::cast_possible_truncation, reason = "at most POINTS")]
            self.length.store(length as u32 + 1, RELAXED);
        }
    }

    fn halve(&self) {
        for (to, pair) in self.points.iter().zip(self.points.chunks_exact(2)) {
            let [first, second] = pair else { continue };
            let larger = if first.live.load(RELAXED) >= second.live.load(RELAXED) {
                first
            } else {
                second
            };
            let (at_ns, live) = (larger.at_ns.load(RELAXED), larger.live.load(RELAXED));
            to.at_ns.store(at_ns, RELAXED);
            to.live.store(live, RELAXED);
        }
        let stride = self.stride.load(RELAXED);
        self.stride.store(stride.saturating_mul(2), RELAXED);
    }

    /// Nanoseconds since the start.
    pub(crate) fn elapsed_ns(&self) -> u64 {
        now_ns().saturating_sub(self.started_ns.load(RELAXED))
    }

    /// How many bytes a thread moves between two points.
    pub(crate) fn every_bytes(&self) -> u64 {
        let every = self.every_bytes.load(RELAXED);
        every.saturating_mul(self.stride.load(RELAXED))
    }

    /// Nanoseconds since the start, and the live bytes then. None until it is stopped.
    pub(crate) fn points(&self) -> Vec<(u64, i64)> {
        if !self.stopped.load(RELAXED) {
            return Vec::new();
        }
        let length = self.length.load(RELAXED) as usize;
        self.points
            .iter()
            .take(length)
            .map(|point| (point.at_ns.load(RELAXED), point.live.load(RELAXED)))
            .collect()
    }
}
