-- Tests whose own peak grew from a run to the next, by more than both readings may be wrong.
WITH executions AS (
  SELECT *, min(started_at) OVER (PARTITION BY run_id) AS run_started
  FROM read_csv('rows.csv', types = {
    'run_id': 'VARCHAR', 'own_peak_bytes': 'BIGINT', 'own_peak_error_bytes': 'BIGINT'
  })
), peaks AS (
  SELECT package, "binary", test, run_id, run_started,
    max(own_peak_bytes) AS peak_bytes,
    coalesce(max(own_peak_error_bytes), 0) AS error_bytes
  FROM executions
  -- A test that failed may have stopped before its peak.
  WHERE state = 'passed' AND own_peak_bytes IS NOT NULL
  GROUP BY ALL
), steps AS (
  SELECT *, lag(peak_bytes) OVER w AS was_bytes, lag(error_bytes) OVER w AS was_error_bytes
  FROM peaks
  WINDOW w AS (PARTITION BY package, "binary", test ORDER BY run_started, run_id)
)
SELECT package, test, run_id, was_bytes, peak_bytes
FROM steps
WHERE peak_bytes > was_bytes + was_error_bytes + error_bytes
ORDER BY peak_bytes - was_bytes DESC, package, test, run_id;
