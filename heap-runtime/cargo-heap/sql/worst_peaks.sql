-- The worst peaks: of each package, the three tests with the largest own peak.
SELECT package, test, max(own_peak_bytes) AS peak_bytes
FROM read_csv('rows.csv', types = {'own_peak_bytes': 'BIGINT'})
WHERE own_peak_bytes IS NOT NULL
GROUP BY package, "binary", test
QUALIFY row_number() OVER (PARTITION BY package ORDER BY max(own_peak_bytes) DESC, test) <= 3
ORDER BY package, peak_bytes DESC, test;
