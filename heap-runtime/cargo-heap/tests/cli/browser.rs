//! The page in a real browser: headless Chromium, where it is installed (Debian's `chromium`).

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use crate::run::{Run, passed};

/// Uses the page as a person would, and leaves what came of it in the document.
const PERSON: &str = r##"
<script>
addEventListener("load", () => {
  const seen = {}, rows = () => [...document.querySelectorAll("#tests tbody tr")].filter(row => !row.hidden);
  const names = () => rows().map(row => row.cells[0].textContent);
  const head = text => [...document.querySelectorAll("#tests th button")].find(head => head.textContent === text);
  const search = text => {
    const box = document.getElementById("search");
    box.value = text;
    box.dispatchEvent(new Event("input"));
  };
  seen.all = rows().length;
  head("peak").click(); seen.largest = names()[0];
  head("peak").click(); seen.smallest = names()[0]; seen.last = names().at(-1);
  head("test").click(); seen.first = names()[0];
  search("FAIRNESS nice"); seen.found = names().join();
  search("");
  const failed = document.querySelector(".tile[data-state=failed]");
  failed?.click(); seen.failed = rows().length; failed?.click();
  search("two_spinners");
  rows()[0].querySelector("button").click();
  seen.picture = document.querySelectorAll("tr.more svg polygon, tr.more svg path").length > 0;
  seen.width = document.documentElement.scrollWidth <= innerWidth;
  rows()[0].querySelector("button").click();
  seen.closed = document.querySelectorAll("tr.more").length;
  document.title = "seen " + JSON.stringify(seen);
});
</script>
"##;

/// The document's title after the page has run, and what the console said.
fn visit(page: &Path) -> Option<(String, String)> {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .args([
            "--enable-logging=stderr",
            "--window-size=1400,1000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", page.display()))
        .output();
    let Ok(output) = output else {
        // Past libtest, which keeps what passing tests print to itself.
        let line = b"skipped: there is no chromium, so no page is opened\n";
        std::io::stderr().write_all(line).unwrap();
        return None;
    };
    let document = String::from_utf8_lossy(&output.stdout);
    let title = document
        .split("<title>")
        .nth(1)
        .and_then(|rest| rest.split("</title>").next());
    let console = String::from_utf8_lossy(&output.stderr);
    let console = console.lines().filter(|line| line.contains("CONSOLE"));
    Some((title.unwrap_or_default().into(), console.collect()))
}

/// Reads the comparison as it is shown, and leaves it in the document.
const READER: &str = r##"
<script>
addEventListener("load", () => {
  const rows = [...document.querySelectorAll("#comparison tbody tr")].filter(row => row.offsetHeight > 0);
  const columns = new Set([...document.querySelectorAll("#comparison tr")].map(row => row.cells.length));
  document.title = "seen " + JSON.stringify({
    columns: [...columns],
    tests: rows.map(row => row.cells[0].textContent),
    kinds: [...new Set(rows.map(row => row.cells[1].textContent))],
  });
});
</script>
"##;

/// A page of a run that was compared, in which these tests are new.
pub(crate) fn shows_a_comparison(page: &Path, new: &[&str]) {
    let Some(seen) = seen(page, READER) else {
        return;
    };
    assert_eq!(seen["columns"], serde_json::json!([6]), "{seen}");
    assert_eq!(seen["kinds"], serde_json::json!(["new"]), "{seen}");
    let tests = seen["tests"].as_array().unwrap();
    for test in new {
        assert!(tests.iter().any(|shown| shown == test), "{test} in {seen}");
    }
}

/// What a script finds in a page, whose console stays silent.
fn seen(page: &Path, script: &str) -> Option<serde_json::Value> {
    let text = fs::read_to_string(page).unwrap();
    fs::write(page, text.replace("</body>", &format!("{script}</body>"))).unwrap();
    let (title, console) = visit(page)?;
    assert_eq!(console, "", "the console is silent");
    let seen = title.strip_prefix("seen ");
    let seen = seen
        .unwrap_or_else(|| panic!("{title}"))
        .replace("&amp;", "&");
    Some(serde_json::from_str(&seen).unwrap())
}

fn used_by_a_person(run: &Run) -> Option<serde_json::Value> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    run.heap("report", &["--html", file.to_str().unwrap()]);
    seen(&file, PERSON)
}

#[test]
fn it_sorts_filters_and_shows_a_timeline() {
    let Some(seen) = used_by_a_person(&Run::of_all_kinds()) else {
        return;
    };
    assert_eq!(
        seen,
        serde_json::json!({
            "all": 7,
            "largest": "lifetime::a_thousand_threads",
            "smallest": "bandwidth::deadline",
            // What was not measured comes last.
            "last": "lifetime::eats_everything",
            "first": "bandwidth::deadline",
            "found": "fairness::nice_5_gets_its_share",
            "failed": 2,
            "picture": true,
            "width": true,
            "closed": 0,
        })
    );
}

#[test]
fn ten_thousand_tests_are_no_trouble() {
    let tests: Vec<_> = (0..10_000)
        .map(|index| passed(&format!("fairness::nice_two_spinners_{index}"), 64 + index))
        .collect();
    let Some(seen) = used_by_a_person(&Run::of(&tests)) else {
        return;
    };
    assert_eq!(seen["all"], 10_000);
    assert_eq!(seen["largest"], "fairness::nice_two_spinners_9999");
}
