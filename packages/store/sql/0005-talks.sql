-- Who talked to whom between since and until, whatever is known of it: connections with both ends, and halves whose other end told nothing. Living
-- connections are told at intervals of up to five minutes, so rows are read that far beyond until; what a host between two ends tells is left out where an end told it.
CREATE VIEW talks AS
WITH
    found AS (SELECT * FROM edges(since = {since:DateTime}, until = {until:DateTime} + 300, skew_ms = {skew_ms:UInt32})),
    alone AS (SELECT * FROM halves(since = {since:DateTime}, until = {until:DateTime} + 300) WHERE NOT (from_local AND to_local))
SELECT scope, protocol, client_name AS from_host, client_process AS from_process, client_pid AS from_pid, client_address AS from_address, client_port AS from_port,
       server_name AS to_host, server_process AS to_process, server_pid AS to_pid, server_address AS to_address, server_port AS to_port,
       called_address, called_port, via, first_seen, last_seen, opened, closed, failed, from_bytes, to_bytes
FROM found
WHERE first_seen < {until:DateTime} AND last_seen >= {since:DateTime}
UNION ALL
SELECT h.scope, h.protocol, if(h.from_local, h.host_name, ''), h.from_process, h.from_pid, h.from_address, h.from_port,
       if(h.to_local, h.host_name, ''), h.to_process, h.to_pid, h.to_address, h.to_port, h.to_address, h.to_port,
       if(h.from_local OR h.to_local, CAST([] AS Array(String)), [toString(h.host)]), h.first_seen, h.last_seen, h.opened, h.closed, h.failed, h.from_bytes, h.to_bytes
FROM alone AS h
WHERE h.first_seen < {until:DateTime} AND h.last_seen >= {since:DateTime}
  AND multiIf(
      h.from_local, (h.scope, h.host, h.from_address, h.from_port, h.first_seen) NOT IN (SELECT scope, client_host, client_address, client_port, first_seen FROM found),
      h.to_local, (h.scope, h.host, h.to_address, h.to_port, h.first_seen) NOT IN (SELECT scope, server_host, server_address, server_port, server_first_seen FROM found),
      (h.scope, h.key_out) NOT IN (SELECT scope, key_in FROM alone WHERE to_local OR key_in != key_out)
          AND (h.scope, h.key_in) NOT IN (SELECT scope, key_out FROM alone WHERE from_local));
