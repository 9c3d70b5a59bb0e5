//! What is asked, one file for each question.

pub(crate) mod allocation;
pub(crate) mod building;
pub(crate) mod exactness;
pub(crate) mod measurement;
pub(crate) mod reading;
pub(crate) mod samples;
pub(crate) mod sampling;
pub(crate) mod size;
pub(crate) mod threads;
pub(crate) mod tracked_test;
