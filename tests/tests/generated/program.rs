//! Programs: what threads and tests do, from a seed.

/// What a thread does next. Slots are those of its own table.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Allocate {
        slot: usize,
        bytes: usize,
        /// The alignment is two to this power.
        align: u32,
        zeroed: bool,
    },
    Resize {
        slot: usize,
        bytes: usize,
    },
    Free {
        slot: usize,
    },
    Leak {
        bytes: usize,
    },
    /// Puts a block where any thread may take it.
    Give {
        slot: usize,
    },
    Take {
        slot: usize,
    },
    /// Is thrown and caught.
    Unwind,
    /// Is freed by the thread's last destructors.
    AtEnd {
        bytes: usize,
    },
    /// What a test says of itself.
    Note,
    /// A thread, joined at once or at the end of these.
    Spawn {
        ops: Vec<Op>,
        at_once: bool,
    },
    Scope {
        threads: Vec<Vec<Op>>,
        meanwhile: Vec<Op>,
    },
    /// Blocks that go to another thread, which frees some of them.
    Channel {
        blocks: Vec<usize>,
        bound: Option<usize>,
        keeps: usize,
    },
    Test {
        number: usize,
        exact: bool,
        ops: Vec<Op>,
    },
    /// A tracked future that is polled once for each of its parts, or dropped before the last.
    Future {
        number: usize,
        exact: bool,
        parts: Vec<Vec<Op>>,
        polls: Vec<Poll>,
    },
    /// In a child, of which nothing is the test's.
    Fork {
        ops: Vec<Op>,
    },
    /// On a thread that is older than all tests, by the test's handle.
    OnOlder {
        ops: Vec<Op>,
    },
    /// A thread that is there when its test ends.
    Outlives {
        before: Vec<Op>,
        after: Vec<Op>,
    },
}

/// Where a future is polled.
#[derive(Debug, Clone)]
pub(crate) enum Poll {
    Here,
    /// In a test of its own.
    InTest {
        number: usize,
        exact: bool,
    },
    /// On a thread that is started for it.
    OnThread,
    /// On a thread that is older than all tests.
    OnOlder,
}

pub(crate) const SLOTS: usize = 8;

/// A bit for each, and some room.
const TESTS: usize = 48;

/// The program of that seed: tests, and what is nobody's.
pub(crate) fn program(seed: u64) -> Vec<Op> {
    let mut maker = Maker {
        random: Random(seed),
        tests: 0,
        left: 60,
    };
    let mut ops = Vec::new();
    for _ in 0..=maker.random.below(2) {
        ops.push(maker.test(0));
        ops.extend((0..maker.random.below(3)).map(|_| maker.plain()));
    }
    ops
}

/// `SplitMix64`.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("it is below a usize")
    }

    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

struct Maker {
    random: Random,
    tests: usize,
    /// How many more it may have of what is dear.
    left: usize,
}

impl Maker {
    fn bytes(&mut self) -> usize {
        let most = match self.random.below(20) {
            0..8 => 200,
            8..13 => 5000,
            13..17 => 70_000,
            17..19 => 400_000,
            _ => 3 << 20,
        };
        1 + self.random.below(most)
    }

    fn slot(&mut self) -> usize {
        self.random.below(SLOTS)
    }

    fn number(&mut self) -> usize {
        self.tests += 1;
        self.tests - 1
    }

    fn ops(&mut self, depth: usize) -> Vec<Op> {
        let length = 1 + self.random.below(8);
        (0..length).map(|_| self.op(depth)).collect()
    }

    fn plains(&mut self) -> Vec<Op> {
        let length = 1 + self.random.below(6);
        (0..length).map(|_| self.plain()).collect()
    }

    fn plain(&mut self) -> Op {
        let slot = self.slot();
        match self.random.below(12) {
            0..4 => Op::Allocate {
                slot,
                bytes: self.bytes(),
                align: [0, 3, 3, 4, 6, 12][self.random.below(6)],
                zeroed: self.random.one_in(4),
            },
            4..7 => Op::Resize {
                slot,
                bytes: self.bytes(),
            },
            7..9 => Op::Free { slot },
            9 => Op::Leak {
                bytes: self.bytes().min(5000),
            },
            10 => Op::Give { slot },
            _ => Op::Take { slot },
        }
    }

    /// What is done in the child of a fork: what others had locked stays so.
    fn in_fork(&mut self) -> Vec<Op> {
        let length = 1 + self.random.below(4);
        (0..length)
            .map(|_| match self.random.below(5) {
                0 => Op::Note,
                1 => Op::Unwind,
                _ => match self.plain() {
                    Op::Give { slot } | Op::Take { slot } => Op::Free { slot },
                    op => op,
                },
            })
            .collect()
    }

    fn test(&mut self, depth: usize) -> Op {
        Op::Test {
            number: self.number(),
            exact: self.random.one_in(3),
            ops: self.ops(depth + 1),
        }
    }

    fn op(&mut self, depth: usize) -> Op {
        const DEEPEST: usize = 4;
        if depth > DEEPEST || self.left == 0 || self.tests + 8 > TESTS || self.random.one_in(2) {
            return self.plain();
        }
        self.left -= 1;
        match self.random.below(26) {
            0..4 => Op::Spawn {
                ops: self.ops(depth + 1),
                at_once: self.random.one_in(2),
            },
            4..8 => {
                let threads = 1 + self.random.below(4);
                Op::Scope {
                    threads: (0..threads).map(|_| self.ops(depth + 1)).collect(),
                    meanwhile: self.plains(),
                }
            }
            8..10 => Op::Channel {
                blocks: (0..self.random.below(40))
                    .map(|_| self.bytes().min(5000))
                    .collect(),
                bound: [None, Some(0), Some(3)][self.random.below(3)],
                keeps: self.random.below(3),
            },
            10..15 => self.test(depth),
            15..18 => self.future(depth),
            18..19 => Op::Fork {
                ops: self.in_fork(),
            },
            19..21 => Op::OnOlder {
                ops: self.ops(depth + 1),
            },
            21 => Op::Outlives {
                before: self.plains(),
                after: self.plains(),
            },
            22 => Op::Unwind,
            23 => Op::AtEnd {
                // Of no size that std's map of threads has.
                bytes: self.bytes().min(5000) | 1,
            },
            _ => Op::Note,
        }
    }

    fn future(&mut self, depth: usize) -> Op {
        let parts = 1 + self.random.below(4);
        let polls = if self.random.one_in(4) {
            1 + self.random.below(parts)
        } else {
            parts
        };
        let number = self.number();
        Op::Future {
            number,
            exact: self.random.one_in(3),
            parts: (0..parts).map(|_| self.ops(depth + 1)).collect(),
            polls: (0..polls)
                .map(|_| match self.random.below(6) {
                    0..2 => Poll::Here,
                    2..4 => Poll::InTest {
                        number: self.number(),
                        exact: self.random.one_in(3),
                    },
                    4 => Poll::OnThread,
                    _ => Poll::OnOlder,
                })
                .collect(),
        }
    }
}
