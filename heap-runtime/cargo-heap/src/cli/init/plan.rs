//! What is to be changed in a package, before anything is.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use cargo_metadata::{Package, Target, TargetKind};
use serde::Serialize;
use similar::TextDiff;

use super::super::text::printable;
use super::edit::{with_attributes, with_jemalloc, without_ours};
use super::scan::{Allocator, Of};
use super::sources::{Source, Sources};

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// Test binaries with jemalloc, and no attribute yet.
    SetUp,
    /// The attribute on every test as well.
    All,
    /// All of ours removed.
    Remove,
}

/// What is to be done to a package.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) package: String,
    pub(super) additions: Additions,
    /// The files that change.
    pub(super) files: Vec<Changed>,
    pub(super) skipped: Vec<Skipped>,
}

/// How much there is already, and how much is added or removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Additions {
    /// Tests, or functions of which a macro makes tests, that have the attribute already.
    pub tracked: usize,
    /// Those that have not.
    pub untracked: usize,
    /// Attributes that are added, or removed.
    pub attributes: usize,
    /// Test binaries that have jemalloc by `use_jemalloc!()` now, if they are to have it.
    pub allocators: usize,
    /// Test binaries that have an allocator of their own, and keep it.
    pub own_allocators: usize,
}

/// A file that changes.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) path: PathBuf,
    pub(super) old: String,
    pub(super) new: String,
}

/// What is not touched, and why.
#[derive(Debug, Serialize)]
pub(super) struct Skipped {
    file: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    why: String,
}

/// How it is to be done.
struct Way<'a> {
    work: Work,
    /// How the package's tests call the runtime.
    runtime: &'a str,
    attribute: String,
}

impl Plan {
    /// What is to be done to a package whose tests call the runtime so.
    pub(super) fn of(package: &Package, work: Work, runtime: Option<&str>) -> Self {
        let runtime = runtime.unwrap_or("heap_runtime");
        let way = Way {
            work,
            runtime,
            attribute: match runtime {
                "heap_runtime" => "#[::heap_runtime::heap_tracked]".to_owned(),
                name => format!("#[::{name}::heap_tracked(crate = {name})]"),
            },
        };
        let tested: Vec<&Target> = (package.targets.iter())
            .filter(|target| target.test)
            .collect();
        let mut sources = Sources::default();
        let reached: Vec<BTreeSet<PathBuf>> = tested
            .iter()
            .map(|target| sources.of_target(target.src_path.as_std_path()))
            .collect();
        let mut plan = Self {
            package: package.name.to_string(),
            additions: Additions::default(),
            files: Vec::new(),
            skipped: Vec::new(),
        };
        let given = if work == Work::Remove {
            BTreeSet::new()
        } else {
            plan.allocators(&sources, &tested, &reached)
        };
        let manifest = package.manifest_path.as_std_path();
        let folder = manifest.parent().unwrap_or(Path::new(""));
        for (path, source) in sources.iter() {
            if !path.starts_with(folder) {
                plan.skip(path, None, "it is outside the folder of the package");
                continue;
            }
            let root = tested.iter().find(|target| target.src_path == path);
            plan.change(path, source, &way, root.filter(|_| given.contains(path)));
        }
        for (path, why) in &sources.unreadable {
            plan.skip(path, None, why);
        }
        plan
    }

    /// Changes a file, and puts jemalloc into it where it is the root of that target.
    fn change(&mut self, path: &Path, source: &Source, way: &Way<'_>, root: Option<&&Target>) {
        let Source { text, found } = source;
        self.additions.tracked += found.tracked;
        self.additions.untracked += found.untracked.len();
        let (mut new, of) = match way.work {
            Work::SetUp => (text.clone(), None),
            Work::All => {
                self.additions.attributes += found.untracked.len();
                let new = with_attributes(text, found, &way.attribute);
                (new, Some(Of::Test))
            }
            Work::Remove => {
                self.additions.attributes += found.ours.len();
                (without_ours(text, found), Some(Of::Ours))
            }
        };
        if let Some(target) = root {
            let only_in_tests = !target.kind.contains(&TargetKind::Test);
            new = with_jemalloc(&new, way.runtime, only_in_tests);
        }
        for uncertain in &found.uncertain {
            if Some(uncertain.of) == of {
                self.skip(path, Some(uncertain.line), &uncertain.why);
            }
        }
        if new != *text {
            self.files.push(Changed {
                path: path.to_owned(),
                old: text.clone(),
                new,
            });
        }
    }

    /// The roots that are to have jemalloc, so that each test binary with a test has it once.
    fn allocators(
        &mut self,
        sources: &Sources,
        tested: &[&Target],
        reached: &[BTreeSet<PathBuf>],
    ) -> BTreeSet<PathBuf> {
        let root = |target: &Target| target.src_path.as_std_path().to_owned();
        let mut given = BTreeSet::new();
        let mut targets: Vec<(PathBuf, &BTreeSet<PathBuf>)> = tested
            .iter()
            .map(|target| root(target))
            .zip(reached)
            .collect();
        // One test binary may have another's file among its modules, and then has what that is given.
        targets.sort_by_key(|(_, reached)| reached.len());
        for (root, reached) in targets {
            let found = || {
                reached
                    .iter()
                    .filter_map(|path| Some(&sources.get(path)?.found))
            };
            if !found().any(|found| found.tracked + found.untracked.len() > 0) {
                continue;
            }
            if found().any(|found| found.allocator == Some(Allocator::Own)) {
                self.additions.own_allocators += 1;
                continue;
            }
            self.additions.allocators += 1;
            let has_it = found().any(|found| found.allocator == Some(Allocator::Jemalloc))
                || reached.iter().any(|path| given.contains(path));
            if !has_it {
                given.insert(root);
            }
        }
        given
    }

    fn skip(&mut self, file: &Path, line: Option<usize>, why: &str) {
        self.skipped.push(Skipped {
            file: file.to_owned(),
            line,
            why: why.to_owned(),
        });
    }

    /// What was done, or is to be, in a line.
    pub(super) fn summary(&self, work: Work, dry_run: bool) -> String {
        let Additions {
            tracked,
            untracked,
            attributes,
            allocators,
            own_allocators,
        } = self.additions;
        let files = counted(self.files.len(), "file");
        let attributes_of = counted(attributes, "attribute");
        let would_be = if dry_run { "would be " } else { "" };
        match work {
            Work::Remove => format!(
                "{attributes_of} {would_be}removed, {files} {would_be}changed; heap-runtime stays a dependency: \
                 `cargo remove --dev heap-runtime` removes it"
            ),
            Work::All | Work::SetUp => format!(
                "{attributes_of} {would_be}added, {} tracked and {} not; {} with jemalloc, {own_allocators} with an \
                 allocator of their own; {files} {would_be}changed",
                counted(tracked + attributes, "test"),
                untracked - attributes,
                match allocators {
                    1 => "1 test binary".to_owned(),
                    several => format!("{several} test binaries"),
                },
            ),
        }
    }
}

/// `1 file`, `2 files`.
fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

impl Changed {
    /// As `diff -u` shows it.
    pub(super) fn difference(&self) -> String {
        let name = self.path.display().to_string();
        TextDiff::from_lines(&self.old, &self.new)
            .unified_diff()
            .context_radius(1)
            .header(&name, &name)
            .to_string()
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}", printable(&self.file.to_string_lossy()))?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, "`: {}", self.why)
    }
}
