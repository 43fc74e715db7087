-- One row: what one host has to tell of one connection since it told last. Counts and bytes are increments, so that sums
-- over rows are right whatever the interval; a connection shorter than a report is one row.
CREATE TABLE connections
(
    time                 DateTime('UTC') COMMENT 'End of the report that told it' CODEC(Delta, ZSTD(1)),
    scope                LowCardinality(String) COMMENT 'Site or VPC: private addresses mean something only inside one',
    host                 LowCardinality(String) COMMENT 'Host id',
    host_name            LowCardinality(String),
    boot                 LowCardinality(String) COMMENT 'Life of the reporter: the names of its batches begin with it',
    event                Enum8('live' = 1, 'closed' = 2, 'failed' = 3) COMMENT 'live: still open, told at an interval',
    protocol             LowCardinality(String),
    netns                UInt32 COMMENT 'Inode of the network namespace, 0 when unknown' CODEC(ZSTD(1)),
    from_address         IPv6 COMMENT 'The opener, before source NAT; IPv4 as ::ffff:a.b.c.d' CODEC(ZSTD(3)),
    from_port            UInt16 COMMENT '0 in aggregated rows' CODEC(ZSTD(1)),
    to_address           IPv6 COMMENT 'The server, after destination NAT' CODEC(ZSTD(3)),
    to_port              UInt16 CODEC(ZSTD(1)),
    nat                  Enum8('none' = 0, 'dnat' = 1, 'snat' = 2, 'dnat+snat' = 3, 'redirect' = 4),
    visible_from_address IPv6 COMMENT 'The opener as the server sees it; :: without NAT' CODEC(ZSTD(3)),
    visible_from_port    UInt16 CODEC(ZSTD(1)),
    visible_to_address   IPv6 COMMENT 'The server as the opener sees it; :: without NAT' CODEC(ZSTD(3)),
    visible_to_port      UInt16 CODEC(ZSTD(1)),
    from_local           Bool,
    to_local             Bool,
    from_pid             UInt32 COMMENT '0 when unknown' CODEC(ZSTD(1)),
    to_pid               UInt32 CODEC(ZSTD(1)),
    from_process         LowCardinality(String) COMMENT 'Empty when unknown: see the reason',
    to_process           LowCardinality(String),
    from_owner_reason    LowCardinality(String),
    to_owner_reason      LowCardinality(String),
    from_container       LowCardinality(String) COMMENT 'Container id, empty without one',
    to_container         LowCardinality(String),
    from_name            LowCardinality(String) COMMENT 'First reverse-DNS name',
    to_name              LowCardinality(String),
    evidence             Enum8('none' = 0, 'conntrack' = 1, 'listener' = 2, 'ephemeral-port' = 3, 'port-order' = 4),
    confidence           Enum8('none' = 0, 'guess' = 1, 'likely' = 2, 'certain' = 3),
    state                Enum8('unknown' = 0, 'opening' = 1, 'unreplied' = 2, 'established' = 3, 'closing' = 4, 'closed' = 5, 'failed' = 6),
    transit              Bool COMMENT 'Neither end is on this host',
    aggregated           Bool COMMENT 'The row sums up connections of one client to one service',
    self_traffic         Bool COMMENT 'conntrail asking for names',
    opened               UInt32 COMMENT 'Connections that this row is the first to tell of' CODEC(T64, ZSTD(1)),
    closed               UInt32 CODEC(T64, ZSTD(1)),
    failed               UInt32 CODEC(T64, ZSTD(1)),
    from_packets         UInt64 COMMENT 'From the opener; 0 unless the kernel counts (nf_conntrack_acct)' CODEC(T64, ZSTD(1)),
    from_bytes           UInt64 CODEC(T64, ZSTD(1)),
    to_packets           UInt64 COMMENT 'From the server' CODEC(T64, ZSTD(1)),
    to_bytes             UInt64 CODEC(T64, ZSTD(1)),
    first_seen           DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    duration_ms          UInt64 COMMENT 'From first to last seen' CODEC(T64, ZSTD(1)),
    last_seen            DateTime64(3, 'UTC') ALIAS addMilliseconds(first_seen, duration_ms),
    -- The tuple as it came into this host, and as it left it: where key_out of one host is key_in of the next, the connection
    -- went from the one to the other. The same in both directions, for a host may not know which side opened.
    key_in               UInt64 ALIAS cityHash64(protocol, cityHash64(from_address, from_port)
                             + if(nat = 'none', cityHash64(to_address, to_port), cityHash64(visible_to_address, visible_to_port))),
    key_out              UInt64 ALIAS cityHash64(protocol, cityHash64(to_address, to_port)
                             + if(nat = 'none', cityHash64(from_address, from_port), cityHash64(visible_from_address, visible_from_port))),
    INDEX by_from from_address TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX by_to to_address TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX by_from_process from_process TYPE set(256) GRANULARITY 4,
    INDEX by_host host TYPE set(1024) GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(time)
ORDER BY (toStartOfFiveMinutes(time), protocol, to_port, to_address, from_address, first_seen)
TTL time + INTERVAL 30 DAY DELETE
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;
