//! `--html`: the page as text. How it looks and acts in a browser is tested where there is one.

use std::fs;

use crate::run::{Run, failed, passed};

fn page(run: &Run) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    let said = run.heap("report", &["--html", file.to_str().unwrap()]);
    assert!(said.stderr.contains("wrote the page"), "{}", said.stderr);
    fs::read_to_string(file).unwrap()
}

#[test]
fn the_page_has_every_test_and_needs_nothing_else() {
    let page = page(&Run::of_all_kinds());
    assert_eq!(page.matches("<template ").count(), 7);
    assert!(page.contains("fairness::two_spinners_share_one_cpu"));
    assert!(page.contains("host short of memory"));
    // Two pictures of the run, and a timeline for each test but the killed one.
    assert_eq!(page.matches("<svg").count(), 2 + 6);
    for outside in [
        "http-equiv=\"refresh",
        "src=",
        "href=\"http",
        "url(",
        "@import",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    let own = "http://www.w3.org/2000/svg";
    assert!(!page.replace(own, "").contains("http:"), "an address");
}

#[test]
fn tests_that_failed_and_passed_have_a_table() {
    let page = page(&Run::of(&[failed("flaky"), passed("flaky", 64)]));
    let (_, section) = page.split_once("id=\"across\"").unwrap();
    assert!(section.contains("<td class=\"name\">flaky</td>"));
    assert!(section.contains("n too small"));
}

#[test]
fn nothing_out_of_a_file_is_markup() {
    let attack = "</template><script>alert(1)</script><img src=x onerror=alert(2)>\"'{{ 7*7 }}";
    let mut hostile = failed(attack);
    hostile["labels"] = serde_json::json!({ attack: attack });
    hostile["failure"]["message"] = attack.into();
    hostile["source"]["file"] = attack.into();
    hostile["package"] = attack.into();
    let page = page(&Run::of(&[hostile, passed("other", 64)]));
    assert!(!page.contains("<script>alert") && !page.contains("<img"));
    assert!(!page.contains("</template><script"));
    assert_eq!(page.matches("</template>").count(), 2);
    assert!(page.contains("{{ 7*7 }}"));
}
