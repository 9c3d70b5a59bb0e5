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

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use cargo_metadata::{MetadataCommand, Package};
use serde::Serialize;

use super::error::Error;
use super::replace;
use super::terminal::{self, Terminal};
use super::text::printable;
use super::{Status, args};
pub use plan::Additions;
use plan::{Plan, Work};

/// What is depended on.
const RUNTIME: &str = "heap-runtime";

pub(super) fn run(command: &args::Init, terminal: &mut Terminal) -> Result<Status, Error> {
    let work = match (command.all, command.remove) {
        (_, true) => Work::Remove,
        (true, false) => Work::All,
        (false, false) => Work::SetUp,
    };
    let mut plans = Vec::new();
    let mut without_runtime = Vec::new();
    for package in &packages(command)? {
        let runtime = runtime(package);
        if runtime.is_none() && work != Work::Remove {
            without_runtime.push(package.manifest_path.clone());
        }
        plans.push(Plan::of(package, work, runtime.as_deref()));
    }
    if command.format == args::TableOrJson::Table {
        show(&plans, work, terminal)?;
    }
    for manifest in &without_runtime {
        add_runtime(manifest.as_std_path(), command.dry_run)?;
    }
    if !command.dry_run {
        for file in plans.iter().flat_map(|plan| &plan.files) {
            replace::output(&file.path, file.new.as_bytes())
                .map_err(|error| Error::at("write", &file.path, error))?;
        }
    }
    if command.format == args::TableOrJson::Json {
        let said: Vec<Said<'_>> = plans.iter().map(Said::of).collect();
        let text = serde_json::to_string_pretty(&said).expect("texts and numbers");
        writeln!(terminal, "{text}")?;
    }
    Ok(Status::Good)
}

/// The packages that are meant.
fn packages(command: &args::Init) -> Result<Vec<Package>, Error> {
    let mut metadata = MetadataCommand::new();
    metadata.no_deps();
    if let Some(manifest) = &command.manifest_path {
        metadata.manifest_path(manifest);
    }
    let metadata = metadata
        .exec()
        .map_err(|error| Error::new(format!("cargo cannot tell the package: {error}")))?;
    if command.package.is_empty() {
        // That of the manifest, or all of a workspace that is no package itself.
        let root = metadata.root_package().cloned();
        return Ok(root.map_or(metadata.packages, |package| vec![package]));
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

/// Adds the dependency as cargo does, which knows where it comes from and how the manifest is written.
fn add_runtime(manifest: &Path, dry_run: bool) -> Result<(), Error> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["add", "--dev", RUNTIME, "--manifest-path"])
        .arg(manifest)
        .args(dry_run.then_some("--dry-run"))
        // What is printed here is for whoever reads it by a program.
        .stdout(Stdio::null());
    let status = command
        .status()
        .map_err(|error| Error::new(format!("cannot start cargo: {error}")))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::at(
        "add heap-runtime to",
        manifest,
        "cargo has said why; nothing is changed. Add it to the dev-dependencies by hand, and come again",
    ))
}

fn show(plans: &[Plan], work: Work, terminal: &mut Terminal) -> Result<(), Error> {
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
            plan.summary(work)
        )?;
        for skipped in &plan.skipped {
            terminal::warn(&format!("skipped {skipped}"));
        }
    }
    if work == Work::SetUp && plans.iter().any(|plan| plan.additions.untracked > 0) {
        terminal::note(&"write #[heap_tracked] on tests or on their modules, or say --all");
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
    let mut additions = Additions::default();
    for package in packages(&command).map_err(|error| error.to_string())? {
        let runtime = runtime(&package);
        let plan = Plan::of(&package, Work::All, runtime.as_deref());
        for file in &plan.files {
            replace::output(&file.path, file.new.as_bytes())
                .map_err(|error| format!("{}: {error}", file.path.display()))?;
        }
        additions = plan.additions;
    }
    Ok(additions)
}
