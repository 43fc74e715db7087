-- Who called which service, without client ports, as one host saw it: summed per five minutes and per hour.
CREATE TABLE edges_5m
(
    bucket       DateTime('UTC') CODEC(Delta, ZSTD(1)),
    scope        LowCardinality(String),
    protocol     LowCardinality(String),
    to_port      UInt16 CODEC(ZSTD(1)),
    to_address   IPv6 COMMENT 'What is called: behind NAT of its own host the address before it' CODEC(ZSTD(3)),
    from_address IPv6 COMMENT 'Who calls: behind NAT of its own host the address after it' CODEC(ZSTD(3)),
    host         LowCardinality(String),
    from_process LowCardinality(String),
    to_process   LowCardinality(String),
    from_local   Bool,
    to_local     Bool,
    opened       UInt64 CODEC(T64, ZSTD(1)),
    closed       UInt64 CODEC(T64, ZSTD(1)),
    failed       UInt64 CODEC(T64, ZSTD(1)),
    from_bytes   UInt64 CODEC(T64, ZSTD(1)),
    to_bytes     UInt64 CODEC(T64, ZSTD(1)),
    INDEX by_process from_process TYPE set(256) GRANULARITY 4
)
ENGINE = SummingMergeTree((opened, closed, failed, from_bytes, to_bytes))
PARTITION BY toYYYYMMDD(bucket)
ORDER BY (protocol, to_port, to_address, bucket, scope, from_address, host, from_process, to_process, from_local, to_local)
TTL bucket + INTERVAL 14 DAY DELETE
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;

CREATE TABLE edges_1h AS edges_5m
ENGINE = SummingMergeTree((opened, closed, failed, from_bytes, to_bytes))
PARTITION BY toYYYYMM(bucket)
ORDER BY (protocol, to_port, to_address, bucket, scope, from_address, host, from_process, to_process, from_local, to_local)
TTL bucket + INTERVAL 400 DAY DELETE
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;

-- Each end as the other side of the network knows it: behind its own host's NAT (a container) by the address that is called or calls.
CREATE MATERIALIZED VIEW edges_5m_feed TO edges_5m AS
SELECT toStartOfFiveMinutes(time) AS bucket, scope, protocol, if(to_local AND nat != 'none', visible_to_port, t.to_port) AS to_port,
       if(to_local AND nat != 'none', visible_to_address, t.to_address) AS to_address,
       if(from_local AND nat != 'none', visible_from_address, t.from_address) AS from_address, host, from_process, to_process,
       from_local, to_local, sum(t.opened) AS opened, sum(t.closed) AS closed, sum(t.failed) AS failed,
       sum(t.from_bytes) AS from_bytes, sum(t.to_bytes) AS to_bytes
FROM connections AS t
WHERE NOT self_traffic
GROUP BY bucket, scope, protocol, to_port, to_address, from_address, host, from_process, to_process, from_local, to_local;

-- Fed by the rows of edges_5m as they come: far fewer than connections.
CREATE MATERIALIZED VIEW edges_1h_feed TO edges_1h AS
SELECT toStartOfHour(bucket) AS bucket, scope, protocol, to_port, to_address, from_address, host, from_process, to_process,
       from_local, to_local, opened, closed, failed, from_bytes, to_bytes
FROM edges_5m;
