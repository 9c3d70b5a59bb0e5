//! `cargo heap` as people run it: the real program over runs of every kind.

mod compare;
mod export;
mod kept;
mod manual;
mod report;
mod run;
mod show;
