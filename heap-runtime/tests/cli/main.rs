//! `cargo heap` as people run it: the real program over runs of every kind.

mod report;
mod run;
mod show;
