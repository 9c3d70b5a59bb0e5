//! What sidecars say when they are read together: the same analysis that `cargo heap` prints, as
//! types.
//!
//! ```no_run
//! use std::path::Path;
//!
//! let run = heap_runtime::report::Run::read(&[Path::new("target/heap/45f3fc9c").to_owned()], None)?;
//! for row in &run.rows {
//!     println!("{} {}: {:?}", row.state, row.test, row.process_allocated_delta_bytes);
//! }
//! # Ok::<(), std::io::Error>(())
//! ```

mod folder;
mod process;
mod row;
mod run;

pub use folder::RunFolder;
pub use row::{Row, State};
pub use run::Run;
