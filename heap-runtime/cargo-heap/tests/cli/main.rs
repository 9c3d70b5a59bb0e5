//! `cargo heap` as people run it: the real program over runs of every kind.

mod browser;
mod causes;
mod compare;
mod doctor;
mod end_to_end;
mod export;
mod html;
mod init;
mod input;
mod junit;
mod kept;
mod manual;
mod outputs;
mod packed;
mod questions;
mod report;
mod run;
mod shards;
mod show;
