use heap_runtime::heap_tracked;
use std::process::{ExitCode, Termination};

struct Report;

impl Termination for Report {
    fn report(self) -> ExitCode {
        ExitCode::FAILURE
    }
}

#[heap_tracked]
fn reports() -> Report {
    Report
}

#[heap_tracked]
fn reports_in_a_result() -> Result<Report, String> {
    Ok(Report)
}

#[heap_tracked]
async fn reports_later() -> Report {
    Report
}

fn main() {
    reports().report();
    let _ = reports_in_a_result();
    let _ = reports_later();
}
