//! `cargo heap init`: a package's tests are tracked from now on, or no longer.
//!
//! ```text
//! targets that are tested ──sources──▶ files ──scan──▶ tests, attributes, allocators
//!                                                         │
//!                                      edit ◀── plan ◀────┘   nothing is written before all is known
//! ```

mod attribute;
mod edit;
mod plan;
mod scan;
mod sources;
mod tokens;
mod write;

use std::io::Write as _;
use std::path::Path;

use cargo_metadata::{Metadata, MetadataCommand, Package};
use serde::Serialize;

use super::args;
use super::error::Error;
use super::format::TableOrJson;
use super::status::Status;
use super::terminal::{self, Terminal};
use super::text::printable;
pub use plan::Additions;
use plan::{Plan, Work};
use write::{RUNTIME, add_runtime, write};

pub(super) fn run(command: &args::Init, terminal: &mut Terminal) -> Result<Status, Error> {
    let work = match (command.all, command.remove) {
        (_, true) => Work::Remove,
        (true, false) => Work::All,
        (false, false) => Work::SetUp,
    };
    let metadata = metadata(command)?;
    let mut plans = Vec::new();
    let mut without_runtime = Vec::new();
    for package in &packages(&metadata, command)? {
        let runtime = runtime(package);
        if runtime.is_none() && work != Work::Remove {
            without_runtime.push(package.manifest_path.clone().into_std_path_buf());
        }
        plans.push(Plan::of(package, work, runtime.as_deref()));
    }
    // Before anything is printed: what is said to be done has been.
    if command.dry_run {
        for manifest in &without_runtime {
            add_runtime(manifest, true)?;
        }
    } else {
        let lock = metadata.workspace_root.join("Cargo.lock");
        write(&plans, &without_runtime, lock.as_std_path())?;
    }
    match command.format {
        TableOrJson::Table => show(&plans, work, command.dry_run, terminal)?,
        TableOrJson::Json => {
            let said: Vec<Said<'_>> = plans.iter().map(Said::of).collect();
            let text = serde_json::to_string_pretty(&said).expect("texts and numbers");
            writeln!(terminal, "{text}")?;
        }
    }
    Ok(Status::Good)
}

fn metadata(command: &args::Init) -> Result<Metadata, Error> {
    let mut metadata = MetadataCommand::new();
    metadata.no_deps();
    if let Some(manifest) = &command.manifest_path {
        metadata.manifest_path(manifest);
    }
    metadata
        .exec()
        .map_err(|error| Error::new(format!("cargo cannot describe the package: {error}")))
}

/// The packages that are meant.
fn packages(metadata: &Metadata, command: &args::Init) -> Result<Vec<Package>, Error> {
    if command.package.is_empty() {
        // That of the manifest, or all of a workspace that is no package itself.
        let root = metadata.root_package().cloned();
        return Ok(root.map_or_else(|| metadata.packages.clone(), |package| vec![package]));
    }
    let named = command.package.iter().map(|name| {
        let mut packages = metadata.packages.iter();
        let found = packages.find(|package| package.name.as_str() == name);
        let found = found.cloned();
        found.ok_or_else(|| {
            Error::new(format!(
                "the workspace has no package `{}`",
                printable(name)
            ))
        })
    });
    named.collect()
}

/// How the package's tests name the runtime.
fn runtime(package: &Package) -> Option<String> {
    let mut dependencies = package.dependencies.iter();
    let found = dependencies.find(|dependency| dependency.name == RUNTIME)?;
    let name = found.rename.as_deref().unwrap_or(&found.name);
    Some(name.replace('-', "_"))
}

fn show(plans: &[Plan], work: Work, dry_run: bool, terminal: &mut Terminal) -> Result<(), Error> {
    for file in plans.iter().flat_map(|plan| &plan.files) {
        for line in file.difference().lines() {
            let style = match line.as_bytes().first() {
                Some(b'-') => terminal::BAD,
                Some(b'+') => terminal::GOOD,
                _ => terminal::DIM,
            };
            writeln!(terminal, "{style}{}{style:#}", printable(line))?;
        }
    }
    for plan in plans {
        writeln!(
            terminal,
            "{}: {}",
            printable(&plan.package),
            plan.summary(work, dry_run)
        )?;
        for skipped in &plan.skipped {
            terminal::warn(&format!("skipped {skipped}"));
        }
    }
    if work == Work::SetUp && plans.iter().any(|plan| plan.additions.untracked > 0) {
        terminal::note(
            &"no test is tracked by this alone: write #[heap_tracked] on tests or their modules, or use --all",
        );
    }
    Ok(())
}

/// A plan for programs.
#[derive(Serialize)]
struct Said<'a> {
    package: &'a str,
    #[serde(flatten)]
    additions: &'a Additions,
    files: Vec<Changed<'a>>,
    skipped: &'a [plan::Skipped],
}

#[derive(Serialize)]
struct Changed<'a> {
    file: &'a Path,
    diff: String,
}

impl<'a> Said<'a> {
    fn of(plan: &'a Plan) -> Self {
        let changed = |file: &'a plan::Changed| Changed {
            file: &file.path,
            diff: file.difference(),
        };
        Self {
            package: &plan.package,
            additions: &plan.additions,
            files: plan.files.iter().map(changed).collect(),
            skipped: &plan.skipped,
        }
    }
}

/// Puts the attribute on every test of the package with this manifest, which depends on the runtime already. For
/// the tests of this repository.
///
/// # Errors
///
/// Says what cannot be read or written.
pub fn all(manifest: &Path) -> Result<Additions, String> {
    let command = args::Init {
        all: true,
        manifest_path: Some(manifest.to_owned()),
        ..args::Init::default()
    };
    let all = || {
        let metadata = metadata(&command)?;
        let mut additions = Additions::default();
        for package in packages(&metadata, &command)? {
            let runtime = runtime(&package);
            let plan = Plan::of(&package, Work::All, runtime.as_deref());
            additions = plan.additions;
            write(&[plan], &[], Path::new("Cargo.lock"))?;
        }
        Ok(additions)
    };
    all().map_err(|error: Error| error.to_string())
}
