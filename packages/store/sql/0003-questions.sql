-- The questions, as views with parameters: SELECT * FROM edges(since = '2026-01-31 03:00:00', until = '2026-01-31 03:15:00', skew_ms = 2000).

-- One row a connection and host, whatever the number of rows that told of it.
CREATE VIEW halves AS
SELECT scope, host, protocol, from_address, from_port, to_address, to_port, first_seen, argMax(t.netns, t.time) AS netns,
       any(t.key_in) AS key_in, any(t.key_out) AS key_out, any(t.nat) AS nat, max(t.last_seen) AS last_seen,
       max(t.from_local) AS from_local, max(t.to_local) AS to_local, argMax(t.host_name, t.time) AS host_name,
       argMax(t.from_process, (t.from_process != '', t.time)) AS from_process, argMax(t.from_pid, (t.from_process != '', t.time)) AS from_pid,
       argMax(t.to_process, (t.to_process != '', t.time)) AS to_process, argMax(t.to_pid, (t.to_process != '', t.time)) AS to_pid,
       sum(t.opened) AS opened, sum(t.closed) AS closed, sum(t.failed) AS failed, sum(t.from_bytes) AS from_bytes, sum(t.to_bytes) AS to_bytes
FROM connections AS t
WHERE time >= {since:DateTime} AND time < {until:DateTime} AND NOT aggregated AND NOT self_traffic
GROUP BY scope, host, protocol, from_address, from_port, to_address, to_port, first_seen;

-- Connections with both ends: on one host, or joined over two, through up to two hosts that translate between them. The halves
-- must overlap in time when each clock may be wrong by skew_ms; of several, the nearest beginning is taken, each server half once.
CREATE VIEW edges AS
WITH
    clients AS (SELECT * FROM halves(since = {since:DateTime}, until = {until:DateTime}) WHERE from_local AND NOT to_local),
    servers AS (SELECT * FROM halves(since = {since:DateTime}, until = {until:DateTime}) WHERE to_local AND NOT from_local),
    routers AS (SELECT * FROM halves(since = {since:DateTime}, until = {until:DateTime}) WHERE NOT from_local AND NOT to_local AND key_in != key_out),
    -- Where a client's connection may have arrived: at its own key, or at that of a host that translated it, or of a second one.
    hops AS
    (
        SELECT c.*, arrayJoin(arrayFilter(hop -> hop.1 != 0,
                   [(c.key_out, CAST([] AS Array(String))),
                    (if(meets_first, r1.key_out, 0), [toString(r1.host)]),
                    (if(meets_first AND meets_second, r2.key_out, 0), [toString(r1.host), toString(r2.host)])])) AS hop,
               c.first_seen <= addMilliseconds(r1.last_seen, {skew_ms:UInt32}) AND r1.first_seen <= addMilliseconds(c.last_seen, {skew_ms:UInt32}) AS meets_first,
               c.first_seen <= addMilliseconds(r2.last_seen, {skew_ms:UInt32}) AND r2.first_seen <= addMilliseconds(c.last_seen, {skew_ms:UInt32}) AS meets_second
        FROM clients AS c LEFT JOIN routers AS r1 ON c.scope = r1.scope AND c.key_out = r1.key_in
                          LEFT JOIN routers AS r2 ON r1.scope = r2.scope AND r1.key_out = r2.key_in
    ),
    joined AS
    (
        SELECT c.scope AS scope, c.protocol AS protocol,
               c.host AS client_host, c.host_name AS client_name, c.from_process AS client_process, c.from_pid AS client_pid,
               c.from_address AS client_address, c.from_port AS client_port, c.netns AS client_netns,
               s.host AS server_host, s.host_name AS server_name, s.to_process AS server_process, s.to_pid AS server_pid,
               s.to_address AS server_address, s.to_port AS server_port, s.netns AS server_netns,
               c.hop.2 AS via, c.to_address AS called_address, c.to_port AS called_port, s.from_address AS seen_address, s.from_port AS seen_port,
               c.first_seen AS first_seen, c.last_seen AS last_seen, s.first_seen AS server_first_seen,
               greatest(c.opened, s.opened) AS opened, greatest(c.closed, s.closed) AS closed, greatest(c.failed, s.failed) AS failed,
               greatest(c.from_bytes, s.from_bytes) AS from_bytes, greatest(c.to_bytes, s.to_bytes) AS to_bytes
        FROM hops AS c INNER JOIN servers AS s ON c.scope = s.scope AND c.hop.1 = s.key_in
        WHERE c.first_seen <= addMilliseconds(s.last_seen, {skew_ms:UInt32}) AND s.first_seen <= addMilliseconds(c.last_seen, {skew_ms:UInt32})
        ORDER BY abs(date_diff('millisecond', c.first_seen, s.first_seen))
        LIMIT 1 BY scope, client_host, client_address, client_port, called_address, called_port, first_seen
    )
SELECT * FROM joined
ORDER BY abs(date_diff('millisecond', first_seen, server_first_seen))
LIMIT 1 BY scope, server_host, server_address, server_port, seen_address, seen_port, server_first_seen
UNION ALL
SELECT scope, protocol, host, host_name, from_process, from_pid, from_address, from_port, netns,
       host, host_name, to_process, to_pid, to_address, to_port, netns, CAST([] AS Array(String)), to_address, to_port, from_address, from_port,
       first_seen, last_seen, first_seen, opened, closed, failed, from_bytes, to_bytes
FROM halves(since = {since:DateTime}, until = {until:DateTime}) WHERE from_local AND to_local;

-- Halves without a partner, with the likely reason.
CREATE VIEW unknown AS
WITH
    found AS (SELECT * FROM edges(since = {since:DateTime}, until = {until:DateTime}, skew_ms = {skew_ms:UInt32})),
    known AS
    (
        SELECT DISTINCT scope, from_address AS address FROM halves(since = {since:DateTime}, until = {until:DateTime}) WHERE from_local
        UNION DISTINCT
        SELECT DISTINCT scope, to_address FROM halves(since = {since:DateTime}, until = {until:DateTime}) WHERE to_local
    )
SELECT h.scope AS scope, h.protocol AS protocol, h.host AS host, if(h.from_local, 'client', 'server') AS side,
       if(h.from_local, h.from_process, h.to_process) AS process, h.from_address AS from_address, h.from_port AS from_port,
       h.to_address AS to_address, h.to_port AS to_port, h.first_seen AS first_seen, h.last_seen AS last_seen,
       multiIf((h.scope, if(h.from_local, h.to_address, h.from_address)) IN (SELECT scope, address FROM known), 'partner-silent',
               'no-agent-there') AS reason
FROM halves(since = {since:DateTime}, until = {until:DateTime}) AS h
WHERE h.from_local != h.to_local
  AND if(h.from_local,
         (h.scope, h.host, h.from_address, h.from_port, h.first_seen) NOT IN (SELECT scope, client_host, client_address, client_port, first_seen FROM found),
         (h.scope, h.host, h.to_address, h.to_port, h.first_seen) NOT IN (SELECT scope, server_host, server_address, server_port, server_first_seen FROM found));

-- What is served, by whom, and how much it is called.
CREATE VIEW services AS
SELECT scope, protocol, to_address AS address, to_port AS port, host, any(to_process) AS process,
       uniqExact(from_address) AS callers, sum(opened) AS opened, sum(failed) AS failed, sum(from_bytes) AS from_bytes, sum(to_bytes) AS to_bytes
FROM edges_5m
WHERE to_local AND bucket >= toStartOfFiveMinutes({since:DateTime}) AND bucket < {until:DateTime}
GROUP BY scope, protocol, address, port, host;

-- Callers of services between since and until that had not called them between baseline and since.
CREATE VIEW new_edges AS
SELECT scope, protocol, host, from_process, from_address, to_address, to_port, min(bucket) AS since_bucket, sum(opened) AS opened, sum(failed) AS failed
FROM edges_5m
WHERE bucket >= toStartOfFiveMinutes({since:DateTime}) AND bucket < {until:DateTime}
  AND (scope, protocol, host, from_process, to_address, to_port) NOT IN
      (SELECT scope, protocol, host, from_process, to_address, to_port FROM edges_5m WHERE bucket >= {baseline:DateTime} AND bucket < toStartOfFiveMinutes({since:DateTime}))
GROUP BY scope, protocol, host, from_process, from_address, to_address, to_port;
