//! `cargo heap` as people run it: the real program over runs of every kind.

mod compare;
mod report;
mod run;
mod show;
