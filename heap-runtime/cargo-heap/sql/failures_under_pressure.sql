-- Tests that failed or were killed while memory was short, by the thresholds of the diagnosis.
SELECT package, test, run_id, state, psi_some_avg10_before, psi_some_avg10
FROM read_csv('rows.csv', types = {
  'run_id': 'VARCHAR',
  'psi_some_avg10_before': 'DOUBLE', 'psi_some_avg10': 'DOUBLE',
  'psi_full_avg10_before': 'DOUBLE', 'psi_full_avg10': 'DOUBLE',
  'total_memory_kib': 'BIGINT', 'mem_available_before_kib': 'BIGINT', 'mem_available_kib': 'BIGINT',
  'host_oom_kills_before': 'BIGINT', 'host_oom_kills': 'BIGINT',
  'cgroup_oom_kills_before': 'BIGINT', 'cgroup_oom_kills': 'BIGINT'
})
WHERE state IN ('failed', 'killed')
  AND (
    psi_some_avg10_before >= 10 OR psi_some_avg10 >= 10
    OR psi_full_avg10_before >= 5 OR psi_full_avg10 >= 5
    OR mem_available_before_kib < total_memory_kib * 0.05
    OR mem_available_kib < total_memory_kib * 0.05
    OR host_oom_kills > host_oom_kills_before
    OR cgroup_oom_kills > cgroup_oom_kills_before
  )
ORDER BY started_at, package, test;
