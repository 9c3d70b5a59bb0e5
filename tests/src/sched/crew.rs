//! Threads that all want to run, on all the CPUs that the process may have, and how each of them fared.
//!
//! A contest is about one CPU and who is owed what of it; a crew is about all of them. How long a member waited
//! is told by what the others used meanwhile. Where somebody else has the machine, or a hypervisor has it, wall time goes by
//! for all of them, and the others use nothing; a scheduler that lets one member wait for the others cannot hide it.
//!
//! ```text
//!  member 3   ──run──┤ . . . . . . . . . waits . . . . . . . . . ├──run──▶
//!             publishes, goes round its loop                     sees that time went by; the kernel says how much of it
//!                    │                                           │ was waiting, and the account what the others used
//!  others     ───────┴────────── their CPU time ─────────────────┘
//! ```

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use rustix::thread::sched_getcpu;

use super::account::{Account, Balance};
use super::clock::now;
use super::cpu::allowed_cpus;
use super::delays::Delays;
use super::machine::{Use, others_were_busy, use_of};
use super::policy::Policy;
use super::promise;
use super::refusal::{Allowed, Refusal};

/// A round that took longer is looked into: the member may have waited.
const GAP: Duration = Duration::from_millis(2);

/// After this, a crew that has not got its CPU time gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Threads that are about to run.
#[derive(Debug)]
pub struct Crew {
    members: usize,
    each: Duration,
    stretches: u32,
    every_round: fn(),
}

/// How one member fared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Member {
    /// The CPU time that it got while all were there.
    pub got: Duration,
    /// Its longest wait, from when it was made.
    pub longest: Wait,
    /// All that it waited, by the kernel's count.
    pub waited: Duration,
    /// How often it was given a CPU, by the kernel's count.
    pub slices: u64,
    /// How often it found itself on another CPU.
    pub moves: usize,
    /// How often it went round its loop.
    pub rounds: usize,
}

/// A time in which a member was runnable and did not run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wait {
    /// How long, by the kernel's count.
    pub time: Duration,
    /// The CPU time that the others used meanwhile.
    pub others: Duration,
}

/// How a crew fared.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Each of its members.
    pub members: Vec<Member>,
    /// The time in which all were there.
    pub wall: Duration,
    /// What each CPU did in that time.
    pub cpus: Vec<Use>,
    /// What of the members' CPU time was taken.
    pub taken: super::taken::Taken,
}

impl Outcome {
    fn of(mut members: Vec<Member>, base: &Moment, end: &Moment) -> Self {
        let balance = end.balance.since(&base.balance);
        for (member, got) in members.iter_mut().zip(balance.times) {
            member.got = got;
        }
        let cpus = end.cpus.iter().zip(&base.cpus);
        Self {
            members,
            wall: end.at.saturating_sub(base.at),
            cpus: cpus.map(|(end, base)| end.since(*base)).collect(),
            taken: balance.taken,
        }
    }

    /// The one that waited longest.
    #[must_use]
    pub fn longest_wait(&self) -> Wait {
        longest_of(&self.members)
    }

    /// All the CPU time that the members got.
    #[must_use]
    pub fn got(&self) -> Duration {
        self.members.iter().map(|member| member.got).sum()
    }

    /// What they used of it: without what was taken.
    #[must_use]
    pub fn used(&self) -> Duration {
        self.got().saturating_sub(self.taken.total)
    }

    /// The CPU time that others had meanwhile, on the same CPUs.
    #[must_use]
    pub fn outside(&self) -> Duration {
        let busy: Duration = self.cpus.iter().map(|cpu| cpu.busy).sum();
        busy.saturating_sub(self.got())
    }

    /// Nothing, unless others had so much of the CPUs that a member may have waited for them: other threads, or who has the
    /// machine below.
    ///
    /// # Errors
    ///
    /// A refusal that says how much they had.
    pub fn had_the_machine(&self) -> Result<(), Refusal> {
        let outside = self.outside();
        if self.taken.total > self.got() / 2 {
            return Err(Refusal::new(format!(
                "host too busy: of {:?} of CPU, {:?} were taken from below",
                self.got(),
                self.taken.total
            )));
        }
        if !others_were_busy(outside, self.got()) {
            return Ok(());
        }
        Err(Refusal::new(format!(
            "host too busy: others had {outside:?} of the CPUs while these threads had {:?}",
            self.got()
        )))
    }
}

impl Crew {
    /// At least so many members and at least two for each CPU, which run until each of them could have used `each` of CPU
    /// time.
    ///
    /// # Errors
    ///
    /// What the kernel answers.
    pub fn new(least: usize, each: Duration) -> io::Result<Self> {
        Ok(Self {
            members: least.max(2 * allowed_cpus()?.len()),
            each,
            stretches: 0,
            every_round: || {},
        })
    }

    /// Has each member do this in each round.
    #[must_use]
    pub fn every_round(mut self, act: fn()) -> Self {
        self.every_round = act;
        self
    }

    /// Has them run so many times as long as the longest stretch that was taken, if that is longer: the one who had the CPU
    /// then is charged for it.
    #[must_use]
    pub fn for_stretches(mut self, stretches: u32) -> Self {
        self.stretches = stretches;
        self
    }

    /// How many members it has.
    #[must_use]
    pub fn size(&self) -> u32 {
        u32::try_from(self.members).unwrap_or(u32::MAX)
    }

    /// Runs it.
    ///
    /// # Errors
    ///
    /// What the kernel answers, unless it is a refusal; and if another scheduler is in charge at the end than at the
    /// beginning.
    pub fn run(&self) -> Allowed<Outcome> {
        if let Err(refusal) = Policy::inherited_is_normal()? {
            return Ok(Err(refusal));
        }
        let in_charge = promise::in_charge();
        let deck = Deck {
            crew: self,
            cpus: allowed_cpus()?,
            account: Account::new(self.members),
            arrived: AtomicUsize::new(0),
            done: AtomicBool::new(false),
            give_up: now() + PATIENCE,
            base: OnceLock::new(),
            end: OnceLock::new(),
        };
        let members: Vec<Allowed<Member>> = thread::scope(|scope| {
            let deck = &deck;
            let threads: Vec<_> = (0..self.members)
                .map(|index| {
                    let born = deck.account.used();
                    scope.spawn(move || deck.serve(index, born))
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| {
                    thread
                        .join()
                        .unwrap_or_else(|_| Err(io::Error::other("a member panicked")))
                })
                .collect()
        });
        let members: Result<Vec<Member>, Refusal> =
            members.into_iter().collect::<io::Result<_>>()?;
        let members = match members {
            Ok(members) => members,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let at_the_end = promise::in_charge();
        if at_the_end != in_charge {
            return Err(io::Error::other(format!(
                "the scheduler did not last: in charge was {in_charge}, and is {at_the_end}; {:?}",
                longest_of(&members),
            )));
        }
        if members.iter().all(|member| member.slices == 0) {
            return Ok(Err(Refusal::new("the kernel counts no slices of a thread")));
        }
        let (Some(base), Some(end)) = (deck.base.into_inner(), deck.end.into_inner()) else {
            return Ok(Err(Refusal::new(format!(
                "host too busy: {} threads did not get {:?} of CPU each in {PATIENCE:?}",
                self.members, self.each,
            ))));
        };
        Ok(Ok(Outcome::of(members, &base, &end)))
    }
}

fn longest_of(members: &[Member]) -> Wait {
    let waits = members.iter().map(|member| member.longest);
    waits.max_by_key(|wait| wait.others).unwrap_or_default()
}

/// What the members share.
#[derive(Debug)]
struct Deck<'a> {
    crew: &'a Crew,
    cpus: Vec<usize>,
    account: Account,
    arrived: AtomicUsize,
    done: AtomicBool,
    give_up: Duration,
    base: OnceLock<Moment>,
    end: OnceLock<Moment>,
}

#[derive(Debug)]
struct Moment {
    balance: Balance,
    used: Duration,
    cpus: Vec<Use>,
    at: Duration,
}

impl Deck<'_> {
    /// One member, from its first to its last instruction. `born` is what was used before it was made.
    fn serve(&self, index: usize, born: Duration) -> Allowed<Member> {
        let answer = self.run(index, born);
        if !matches!(answer, Ok(Ok(_))) {
            self.done.store(true, SeqCst);
        }
        answer
    }

    fn run(&self, index: usize, born: Duration) -> Allowed<Member> {
        let delays = match Delays::open()? {
            Ok(delays) => delays,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.account.begin(index);
        self.arrived.fetch_add(1, SeqCst);
        let mut member = Member::default();
        let mut place = sched_getcpu();
        // Its first wait is the one for its first instruction.
        let (mut used, mut own, mut waited) = (born, Duration::ZERO, Duration::ZERO);
        let mut last = Duration::ZERO;
        loop {
            self.account.round(index);
            let (at, used_now, own_now) = (now(), self.account.used(), self.account.time_of(index));
            if at.saturating_sub(last) > GAP {
                let time = delays.read()?.waited.saturating_sub(waited);
                let by_others = used_now
                    .saturating_sub(used)
                    .saturating_sub(own_now.saturating_sub(own));
                let wait = Wait {
                    time,
                    others: by_others.min(time * self.cpu_count()),
                };
                if wait.others >= member.longest.others {
                    member.longest = wait;
                }
                waited += time;
            }
            (last, used, own) = (at, used_now, own_now);
            member.rounds += 1;
            let seen = sched_getcpu();
            member.moves += usize::from(seen != place);
            place = seen;
            if self.is_over(at)? {
                let reading = delays.read()?;
                (member.waited, member.slices) = (reading.waited, reading.slices);
                return Ok(Ok(member));
            }
            (self.crew.every_round)();
        }
    }

    fn cpu_count(&self) -> u32 {
        u32::try_from(self.cpus.len()).unwrap_or(u32::MAX)
    }

    /// Whether the crew has done what it was to do. Whoever sees that a part of it begins or ends notes the figures.
    fn is_over(&self, at: Duration) -> io::Result<bool> {
        if self.done.load(SeqCst) {
            return Ok(true);
        }
        let used = self.account.used();
        let Some(base) = self.base.get() else {
            // One that does not come for the time of all the others has got nothing, and that is what it got.
            let enough = self.crew.each * self.crew.size();
            if self.arrived.load(SeqCst) == self.crew.members || used >= enough {
                let base = self.moment()?;
                self.base.get_or_init(|| base);
            }
            return Ok(false);
        };
        let each = self
            .crew
            .each
            .max(self.account.taken().longest * self.crew.stretches);
        if used.saturating_sub(base.used) >= each * self.crew.size() {
            let end = self.moment()?;
            self.end.get_or_init(|| end);
            self.done.store(true, SeqCst);
        } else if at > self.give_up {
            self.done.store(true, SeqCst);
        }
        Ok(self.done.load(SeqCst))
    }

    fn moment(&self) -> io::Result<Moment> {
        Ok(Moment {
            used: self.account.used(),
            balance: self.account.balance(),
            cpus: use_of(&self.cpus)?,
            at: now(),
        })
    }
}
