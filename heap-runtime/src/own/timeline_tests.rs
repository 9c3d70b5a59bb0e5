//! Apart from the module, which the model checker's test has too.

use super::sync::POINTS;
use super::timeline::TimelineRecorder;

#[test]
fn a_long_timeline_gets_coarser_and_keeps_its_peaks() {
    let timeline = TimelineRecorder::new();
    timeline.set_every_bytes(4096);
    timeline.start();
    let peak = 777_777;
    for sample in 0..10_000 {
        timeline.add(if sample == 4321 { 1_000_000 } else { sample });
    }
    timeline.add(peak);
    timeline.stop();
    timeline.add(-1);
    let points = timeline.points();
    assert!((POINTS / 2..=POINTS).contains(&points.len()));
    assert_eq!(points.iter().map(|point| point.1).max(), Some(1_000_000));
    assert!(points.is_sorted_by_key(|point| point.0));
    // 10,000 samples in at most 256 points.
    assert_eq!(timeline.every_bytes(), 4096 * 64);
}

#[test]
fn it_starts_anew_each_time() {
    let timeline = TimelineRecorder::new();
    timeline.add(1);
    assert_eq!(timeline.points(), []);
    timeline.start();
    timeline.add(5);
    timeline.stop();
    timeline.set_every_bytes(2);
    timeline.start();
    timeline.add(7);
    timeline.stop();
    assert_eq!(
        timeline
            .points()
            .iter()
            .map(|point| point.1)
            .collect::<Vec<_>>(),
        [7]
    );
    assert_eq!(timeline.every_bytes(), 2);
}
