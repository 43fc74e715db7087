-- Who calls which service, from the summed tables: over five minutes' buckets, or hours'. A caller's own host knows its process; the
-- service's host sees callers that have no agent, too; a host between them sees both ends. Each counts the same connections, so the most of them is the number.
CREATE VIEW callers_5m AS
SELECT scope, protocol, to_address, to_port, from_address, maxIf(host, from_local) AS from_host,
       arraySort(groupUniqArrayIf(from_process, from_process != '')) AS from_processes,
       maxIf(host, to_local) AS to_host, maxIf(to_process, to_local) AS to_process,
       greatest(sumIf(opened, from_local), sumIf(opened, to_local AND NOT from_local), sumIf(opened, NOT from_local AND NOT to_local)) AS opened,
       greatest(sumIf(failed, from_local), sumIf(failed, to_local AND NOT from_local), sumIf(failed, NOT from_local AND NOT to_local)) AS failed,
       greatest(sumIf(from_bytes, from_local), sumIf(from_bytes, to_local AND NOT from_local), sumIf(from_bytes, NOT from_local AND NOT to_local)) AS from_bytes,
       greatest(sumIf(to_bytes, from_local), sumIf(to_bytes, to_local AND NOT from_local), sumIf(to_bytes, NOT from_local AND NOT to_local)) AS to_bytes
FROM edges_5m
WHERE bucket >= toStartOfFiveMinutes({since:DateTime}) AND bucket < {until:DateTime}
GROUP BY scope, protocol, to_address, to_port, from_address;

CREATE VIEW callers_1h AS
SELECT scope, protocol, to_address, to_port, from_address, maxIf(host, from_local) AS from_host,
       arraySort(groupUniqArrayIf(from_process, from_process != '')) AS from_processes,
       maxIf(host, to_local) AS to_host, maxIf(to_process, to_local) AS to_process,
       greatest(sumIf(opened, from_local), sumIf(opened, to_local AND NOT from_local), sumIf(opened, NOT from_local AND NOT to_local)) AS opened,
       greatest(sumIf(failed, from_local), sumIf(failed, to_local AND NOT from_local), sumIf(failed, NOT from_local AND NOT to_local)) AS failed,
       greatest(sumIf(from_bytes, from_local), sumIf(from_bytes, to_local AND NOT from_local), sumIf(from_bytes, NOT from_local AND NOT to_local)) AS from_bytes,
       greatest(sumIf(to_bytes, from_local), sumIf(to_bytes, to_local AND NOT from_local), sumIf(to_bytes, NOT from_local AND NOT to_local)) AS to_bytes
FROM edges_1h
WHERE bucket >= toStartOfHour({since:DateTime}) AND bucket < {until:DateTime}
GROUP BY scope, protocol, to_address, to_port, from_address;
