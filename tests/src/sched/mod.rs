//! Support for the scheduler suite, `tests/scheduler.rs`.
//!
//! The suite runs on machines that are busy with other things, so it never asks how long something took where it
//! can ask who got the CPU. A [`Contest`](contest::Contest) pins a few threads to one CPU that the suite owns and compares
//! their CPU time against each other. Other people's load takes from all of them alike.
//!
//! What a machine does not allow is a [`Refusal`](refusal::Refusal), which the test turns into a skip that says why.
//! Every other error is a failure.

pub mod account;
pub mod cgroup;
pub mod clock;
pub mod contest;
pub mod cpu;
pub mod crew;
pub mod delays;
pub mod figures;
pub mod herd;
pub mod kernel;
pub mod machine;
pub mod pinned;
pub mod policy;
pub mod promise;
pub mod refusal;

mod sys;
pub mod taken;
