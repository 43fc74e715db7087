/** What lies in the table after a report was delivered: every fact of it, in columns of the table's own types, and what an earlier version left on disk. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { CONFIDENCE, CONNECTION_STATE, EVIDENCE, NAT_KIND } from "@conntrail/model";
import { COLUMNS, clickhouse, openStore, RowBlock } from "@conntrail/store";
import { expect } from "vitest";
import { makeOwner, type Row } from "../report/content.ts";
import { chdbTest } from "./chdb-test.ts";
import { reportOf } from "./reports.ts";

const START_MS = Math.floor(Date.now() / 3_600_000 - 2) * 3_600_000;
const NEVER = new AbortController().signal;

/** Each word of each closed list once, and everything else that a row can tell. */
const ROWS: readonly Row[] = [
  ...EVIDENCE.map((evidence, i): Row => ({ from: `10.0.0.1 ${1000 + i}`, to: "10.0.0.9 1", evidence })),
  ...CONFIDENCE.map((confidence, i): Row => ({ from: `10.0.0.1 ${2000 + i}`, to: "10.0.0.9 2", confidence })),
  ...CONNECTION_STATE.map((state, i): Row => ({ from: `10.0.0.1 ${3000 + i}`, to: "10.0.0.9 3", state })),
  ...NAT_KIND.map(
    (nat, i): Row => ({
      from: `10.0.0.1 ${4000 + i}`,
      to: "2001:db8::9 4",
      nat,
      ...(nat !== "none" && { visibleFrom: `192.0.2.7 ${5000 + i}`, visibleTo: "2001:db8:ff::1 80" }),
    }),
  ),
  {
    from: "fe80::1 6000",
    to: "10.0.0.9 6",
    protocol: "udp",
    netns: 4_026_532_111,
    flags: ["fromLocal", "toLocal", "transit", "aggregated", "selfTraffic"],
    fromOwner: makeOwner(4_194_304, "tab\tand\nline\\ü", { containerId: "f".repeat(64) }),
    toOwner: "permission",
    fromNames: ["first.example", "second.example"],
    count: 7,
    ageMs: 123_456_789,
    counters: [4_294_967_296, 9_007_199_254_740_991, 1, 4_294_967_295],
  },
];

/** Beyond 2^53, where a double has no digits: first living, then ended with two bytes more. */
function huge(telling: number): Row {
  const exact = [9n, 2n ** 60n + (telling === 1 ? 1n : 3n), 5n, 4242n] as const;
  return { from: "10.0.0.1 6001", to: "10.0.0.9 6", exact, ...(telling === 2 && { state: "closed" }) };
}

chdbTest(
  "a row says what its report says, in columns of the table's own types; lines that an earlier version left are sent before",
  async (folder) => {
    const url = `chdb:${folder}/db`;
    const spool = join(folder, "spool");
    leftBehind(spool);
    const report = reportOf(START_MS, 1, ROWS);
    const sink = clickhouse({ url, spool, scope: "a site", batchRows: ROWS.length, batchMs: 200, intervalMs: 1000 });
    await sink.deliver({ report }, NEVER);
    for (const each of [1, 2]) await sink.deliver({ report: reportOf(START_MS, 1 + each, [huge(each)]) }, NEVER);
    await expect.poll(() => sink.status.sentRows, { timeout: 60_000 }).toBe(ROWS.length + 4);
    await sink.close();
    const store = await openStore(url);
    const rowsOf = async (query: string): Promise<Record<string, unknown>[]> =>
      (await store.client.query({ query, format: "JSONEachRow" })).json();
    try {
      await store.useDatabase();
      const told = await rowsOf(
        "SELECT * FROM connections WHERE scope != 'old' AND from_port != 6001 ORDER BY from_port",
      );
      expect(told).toEqual([...report.connections()].map((connection) => expectedRow(connection)));

      const old =
        "SELECT from_port, from_process, to_bytes, duration_ms FROM connections WHERE scope = 'old' ORDER BY from_port";
      expect(await rowsOf(old)).toEqual(
        [7000, 7001].map((from_port) => ({ from_port, from_process: "curl", to_bytes: 4, duration_ms: 20 })),
      );

      const digits =
        "SELECT event, toString(from_bytes) AS bytes FROM connections WHERE from_port = 6001 ORDER BY time";
      expect(await rowsOf(digits)).toEqual([
        { event: "live", bytes: "1152921504606846977" },
        { event: "closed", bytes: "2" },
      ]);

      const types = await rowsOf(
        "SELECT name, type FROM system.columns WHERE database = 'conntrail' AND table = 'connections' AND default_kind = '' ORDER BY position",
      );
      const { columns } = new RowBlock();
      expect(COLUMNS.map((name) => ({ name, type: columns[name].type }))).toEqual(types);
    } finally {
      await store.client.close();
    }
  },
);

function expectedRow(connection: ReturnType<ReturnType<typeof reportOf>["connection"]>): Record<string, unknown> {
  const { from, to, nat, state, flags, counters, count } = connection;
  const mapped = (address: string): string => (address.includes(":") ? address : `::ffff:${address}`);
  return expect.objectContaining({
    time: new Date(START_MS + 1000).toISOString().slice(0, 19).replace("T", " "),
    scope: "a site",
    event: state === "closed" || state === "failed" ? state : "live",
    protocol: connection.protocol,
    netns: connection.netns,
    from_address: mapped(from.address),
    from_port: from.port,
    to_address: mapped(to.address),
    to_port: to.port,
    nat: nat?.kind ?? "none",
    visible_from_address: mapped(nat?.visible.from.address ?? "::"),
    visible_from_port: nat?.visible.from.port ?? 0,
    visible_to_address: mapped(nat?.visible.to.address ?? "::"),
    visible_to_port: nat?.visible.to.port ?? 0,
    from_local: from.local,
    to_local: to.local,
    from_pid: from.pid ?? 0,
    to_pid: to.pid ?? 0,
    from_process: from.process ?? "",
    to_process: to.process ?? "",
    from_owner_reason: from.ownerReason ?? "",
    to_owner_reason: to.ownerReason ?? "",
    from_container: from.containerId ?? "",
    to_container: to.containerId ?? "",
    from_name: from.names[0] ?? "",
    to_name: to.names[0] ?? "",
    evidence: connection.direction.evidence,
    confidence: connection.direction.confidence,
    state,
    transit: flags.includes("transit"),
    aggregated: flags.includes("aggregated"),
    self_traffic: flags.includes("selfTraffic"),
    opened: count,
    closed: state === "closed" ? count : 0,
    failed: state === "failed" ? count : 0,
    from_packets: counters?.original.packets ?? 0,
    from_bytes: counters?.original.bytes ?? 0,
    to_packets: counters?.reply.packets ?? 0,
    to_bytes: counters?.reply.bytes ?? 0,
    first_seen: new Date(connection.firstSeenMs).toISOString().slice(0, -1).replace("T", " "),
    duration_ms: connection.lastSeenMs - connection.firstSeenMs,
  });
}

/** Lines as they lay in a spool once: no header, the columns in the table's order. */
function leftBehind(spool: string): void {
  const line = (port: number): string =>
    `${START_MS / 1000}\told\thost\thost\tboot\tclosed\ttcp\t1\t10.0.0.1\t${port}\t10.0.0.9\t7\tnone${"\t::\t0".repeat(2)}\t1\t0\t1\t0\tcurl\t\t\tnot-local${"\t".repeat(5)}conntrack\tcertain\tclosed\t0\t0\t0\t1\t1\t0\t1\t2\t3\t4\t${START_MS / 1000 - 0.5}\t20\n`;
  mkdirSync(spool);
  writeFileSync(join(spool, "00000000000000000-0000000000-2.tsv.gz"), gzipSync(line(7000) + line(7001)));
}
