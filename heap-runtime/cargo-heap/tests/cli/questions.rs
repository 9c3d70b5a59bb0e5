//! Questions in SQL over what `cargo heap export` prints, answered by `DuckDB`, where python3 has
//! its module (`PyPI`'s `duckdb`).

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::run::{Run, failed, killed, passed, program};

/// Answers a question, whose file it is given, with the rows in the current folder.
const DUCKDB: &str = "
import duckdb, json, sys
answer = duckdb.connect().sql(open(sys.argv[1]).read())
print(json.dumps([dict(zip(answer.columns, row)) for row in answer.fetchall()]))
";

/// The rows of these runs, as a file for `DuckDB`. Absent where there is no `DuckDB` to ask.
struct Rows(tempfile::TempDir);

impl Rows {
    fn of(runs: &[Run]) -> Option<Self> {
        let module = Command::new("python3")
            .args(["-c", "import duckdb"])
            .output();
        if !module.is_ok_and(|output| output.status.success()) {
            // Past libtest, which keeps what passing tests print to itself.
            let line = b"skipped: python3 has no module `duckdb`, so no question is asked\n";
            std::io::stderr().write_all(line).unwrap();
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut export = program();
        export.args(["export", "--format", "csv"]);
        export.args(runs.iter().map(Run::path));
        let exported = export.output().unwrap();
        assert!(exported.status.success(), "{exported:?}");
        fs::write(folder.path().join("rows.csv"), exported.stdout).unwrap();
        Some(Self(folder))
    }

    fn answer(&self, question: &str) -> Value {
        let sql = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("sql")
            .join(question);
        let output = Command::new("python3")
            .args(["-c", DUCKDB])
            .arg(sql)
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{question}: {complaint}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// Another run of these tests. Its id is not a number, whatever it looks like.
fn run(id: &str, day: u32, tests: impl IntoIterator<Item = Value>) -> Run {
    let of_the_run = |mut test: Value| {
        test["run_id"] = id.into();
        test["started_at"] = format!("2026-11-{day}T10:00:00.000Z").into();
        test
    };
    Run::of(&tests.into_iter().map(of_the_run).collect::<Vec<_>>())
}

fn of_package(package: &str, mut test: Value) -> Value {
    test["package"] = package.into();
    test
}

fn two_runs() -> [Run; 2] {
    const MIB: u64 = 1 << 20;
    let monday = run(
        "0042",
        23,
        [
            passed("grows", MIB),
            passed("grows_within_its_error", MIB),
            passed("shrinks", 8 * MIB),
            passed("stops_early", MIB),
            of_package("other", passed("large", 64 * MIB)),
        ],
    );
    let tuesday = run(
        "7e10",
        24,
        [
            passed("grows", 3 * MIB),
            passed("grows_within_its_error", MIB + 8192),
            passed("shrinks", 2 * MIB),
            failed("stops_early"),
            killed("is_killed"),
            of_package("other", passed("large", 64 * MIB)),
        ],
    );
    // The later one first: the order is in the rows.
    [tuesday, monday]
}

#[test]
fn the_documented_questions_have_answers() {
    let Some(rows) = Rows::of(&two_runs()) else {
        return;
    };
    let peak = |package: &str, test: &str, mib: u64| json!({ "package": package, "test": test, "peak_bytes": mib << 20 });
    assert_eq!(
        rows.answer("worst_peaks.sql"),
        json!([
            peak("heap-tests", "shrinks", 8),
            peak("heap-tests", "grows", 3),
            {
                "package": "heap-tests", "test": "grows_within_its_error",
                "peak_bytes": (1 << 20) + 8192
            },
            peak("other", "large", 64),
        ])
    );
    assert_eq!(
        rows.answer("grown_peaks.sql"),
        json!([{
            "package": "heap-tests", "test": "grows", "run_id": "7e10",
            "was_bytes": 1 << 20, "peak_bytes": 3 << 20
        }])
    );
    assert_eq!(
        rows.answer("failures_under_pressure.sql"),
        json!([{
            "package": "heap-tests", "test": "stops_early", "run_id": "7e10", "state": "failed",
            "psi_some_avg10_before": 0.2, "psi_some_avg10": 31.5
        }])
    );
}

#[test]
fn rows_without_any_number_have_no_answers() {
    let mut blind = killed("is_killed");
    blind["host_before"] = json!({});
    let Some(rows) = Rows::of(&[Run::of(&[blind])]) else {
        return;
    };
    for question in [
        "worst_peaks.sql",
        "grown_peaks.sql",
        "failures_under_pressure.sql",
    ] {
        assert_eq!(rows.answer(question), json!([]), "{question}");
    }
}
