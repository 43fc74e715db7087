/** The first rung of the ladder of owners: whom the trace is believed about, and whom it leaves to the next rung. */
import {
  allocateColumns,
  CONNECTION_FLAG,
  CONNECTION_STATE,
  FAMILY,
  indexOf,
  OWNER_REASON,
  type Owner,
  PROTOCOL,
  packKind,
  parseAddress,
  type Snapshot,
  TRACE,
  TRACE_ROLE,
  TRACE_WORDS,
  type TraceBatch,
} from "@conntrail/model";
import { type BoundedSnapshot, creditTraced } from "@conntrail/stages";
import { Subject } from "rxjs";
import { describe, expect, test } from "vitest";

const HOST = 1;
const POD = 2;
const [CURL, WGET, WORKER, PARENT] = ["curl", "wget", "worker", "parent"].map((name, i) => owner(100 + i, name));

interface Fact {
  readonly role?: keyof typeof TRACE_ROLE;
  readonly by?: Owner | undefined;
  readonly local: string;
  readonly remote: string;
  readonly at: number;
  readonly netns?: number;
}

interface Row {
  readonly from: string;
  readonly to: string;
  readonly first: number;
  readonly last: number;
  /** Default: 20 ms before it was first seen. */
  readonly after?: number;
  readonly state?: (typeof CONNECTION_STATE)[number];
  readonly netns?: number;
  readonly local?: "both" | "from" | "none";
  readonly toOwner?: Owner;
  readonly stale?: boolean;
}

/** The processes of the rows, told after the facts, as `FROM → TO` with an asterisk where the trace says it. */
function credit(facts: readonly Fact[], rows: readonly Row[], blind: TraceBatch["blind"] = null): string[] {
  const trace$ = new Subject<TraceBatch>();
  const snapshots$ = new Subject<BoundedSnapshot>();
  let told: string[] = [];
  const take = ({ columns, owners }: Snapshot): void => {
    told = rows.map((_, i) => {
      const name = (place: number, flag: number): string =>
        place === 0 ? "-" : owners[place - 1]!.process + ((columns.flags[i]! & flag) === 0 ? "" : "*");
      return `${name(columns.fromOwner[i]!, CONNECTION_FLAG.fromTraced)} → ${name(columns.toOwner[i]!, CONNECTION_FLAG.toTraced)}`;
    });
  };
  snapshots$.pipe(creditTraced(trace$)).subscribe({ next: take, error: expect.unreachable });
  trace$.next(batchOf(facts, blind));
  snapshots$.next(snapshotOf(rows));
  return told;
}

const CLIENT = "10.0.0.2 40000";
const SERVER = "10.0.0.9 80";
const connection: Row = { from: CLIENT, to: SERVER, first: 1_020, last: 1_030, state: "closed" };
const opening: Fact = { by: CURL, local: CLIENT, remote: SERVER, at: 1_000 };
const closing: Fact = { role: "closed", by: WORKER, local: SERVER, remote: CLIENT, at: 1_002 };

describe("a traced process is the owner", () => {
  test("F29 of both ends of a connection that was over before its events were read", () => {
    expect(credit([opening, closing], [connection])).toEqual(["curl* → worker*"]);
  });

  test("F26 of the end that it closed, though the merge found another holder of the socket", () => {
    expect(credit([opening, closing], [{ ...connection, toOwner: PARENT! }])).toEqual(["curl* → worker*"]);
  });

  test("and leaves an end of which it knows nothing to the next rung", () => {
    expect(credit([opening], [{ ...connection, toOwner: PARENT! }])).toEqual(["curl* → parent"]);
  });

  test("F27 of the connection that it opened, not of a later one with the same ends", () => {
    const later: Row = { ...connection, first: 3_020, last: 3_030 };
    const again: Fact = { ...opening, by: WGET, at: 3_000 };
    expect(credit([opening, again], [connection, later])).toEqual(["curl* → -", "wget* → -"]);
  });

  test("F50 of one that is stale when it has ended, and not before", () => {
    const open: Row = { ...connection, state: "established", stale: true };
    expect(credit([opening, closing], [open])).toEqual(["- → -"]);
    expect(credit([opening, closing], [{ ...connection, stale: true }])).toEqual(["curl* → worker*"]);
  });

  test("F38 of loopback connections of its own namespace alone", () => {
    const ends = { from: "127.0.0.1 40000", to: "127.0.0.1 80" };
    const facts = [{ by: CURL, local: ends.from, remote: ends.to, at: 1_000, netns: POD }];
    expect(credit(facts, [{ ...connection, ...ends, netns: HOST }])).toEqual(["- → -"]);
    expect(credit(facts, [{ ...connection, ...ends, netns: POD }])).toEqual(["curl* → -"]);
  });

  test("F36 of an end that another namespace reported, though no scan has met the process's own yet", () => {
    const facts = [{ ...opening, netns: POD }];
    expect(credit(facts, [connection])).toEqual(["curl* → -"]);
    expect(credit(facts, [{ ...connection, local: "none" }])).toEqual(["curl* → -"]);
  });
});

describe("it is no matter how late events are read", () => {
  const after = connection.first - 20;
  const late: Row = { ...connection, after, first: 9_000, last: 9_000 };

  test("N6 of a connection whose events waited for eight seconds both ends are known", () => {
    expect(credit([opening, closing], [late])).toEqual(["curl* → worker*"]);
  });

  test("F27 and of a later one with the same ends, read at once, its own", () => {
    const again: Fact = { ...opening, by: WGET, at: 9_050 };
    const closedAgain: Fact = { ...closing, by: PARENT, at: 9_060 };
    const later: Row = { ...connection, first: 9_100, last: 9_100, after: 9_000 };
    expect(credit([opening, closing, again, closedAgain], [late, later])).toEqual([
      "curl* → worker*",
      "wget* → parent*",
    ]);
  });

  test("but nobody is named when two that were opened by different processes were read at once", () => {
    const again: Fact = { ...opening, by: WGET, at: 5_000 };
    expect(credit([opening, again], [late])).toEqual(["- → -"]);
  });

  test("and of one that was there before it was looked at all that opened it must be the same", () => {
    const older = { ...connection, after: Number.NEGATIVE_INFINITY, first: 9_000, last: 9_000 };
    expect(credit([opening], [older])).toEqual(["curl* → -"]);
    expect(credit([opening, { ...opening, by: WGET, at: 5_000 }], [older])).toEqual(["- → -"]);
  });
});

describe("F27 a port that is used again within one reading", () => {
  const read = { after: 900, first: 9_000, last: 9_000 };
  const first: Row = { ...connection, ...read };
  const second: Row = { ...first };
  const again: Fact = { ...opening, by: WGET, at: 5_000 };
  const closedAgain: Fact = { ...closing, by: PARENT, at: 5_002 };

  test("gives each connection its own processes, by the order of openings and of closings", () => {
    expect(credit([opening, closing, again, closedAgain], [first, second])).toEqual([
      "curl* → worker*",
      "wget* → parent*",
    ]);
    const third: Row = { ...first };
    const third$: Fact = { ...opening, at: 7_000 };
    expect(credit([opening, again, third$], [first, second, third])).toEqual(["curl* → -", "wget* → -", "curl* → -"]);
  });

  test("and what one connection has to itself is no other's", () => {
    const narrow: Row = { ...connection, after: 4_000, first: 5_010, last: 5_020 };
    expect(credit([opening, again], [first, narrow])).toEqual(["curl* → -", "wget* → -"]);
  });

  test("names nobody when there are more or fewer connections than openings, or when one may be missing", () => {
    expect(credit([opening, again, { ...again, at: 6_000 }], [first, second])).toEqual(["- → -", "- → -"]);
    expect(credit([opening, again], [first, second, { ...first }])).toEqual(["- → -", "- → -", "- → -"]);
    const blind = { sinceMs: 2_000, untilMs: 2_100 };
    expect(credit([opening, again], [first, second], blind)).toEqual(["- → -", "- → -"]);
  });
});

describe("F29 who was found with the socket by a look", () => {
  const found: Fact = { role: "held", by: CURL, local: CLIENT, remote: SERVER, at: 1_025 };

  test("holds it, without a word of the trace", () => {
    expect(credit([found], [connection])).toEqual(["curl → -"]);
    const served: Fact = { role: "held", by: WORKER, local: SERVER, remote: CLIENT, at: 1_025 };
    expect(credit([found, served], [connection])).toEqual(["curl → worker"]);
  });

  test("long after it was last seen, while it lives", () => {
    expect(credit([{ ...found, at: 8_000 }], [{ ...connection, state: "established" }])).toEqual(["curl → -"]);
    expect(credit([{ ...found, at: 8_000 }], [connection])).toEqual(["- → -"]);
  });

  test("is not that of an earlier or a later connection with the same ends", () => {
    const earlier: Row = { ...connection, after: 100, first: 120, last: 130 };
    const later: Row = { ...connection, after: 1_100, first: 1_120, last: 1_130 };
    expect(credit([found], [earlier, connection, later])).toEqual(["- → -", "curl → -", "- → -"]);
  });

  test("gives way to whom the kernel saw, and is nobody when two were found", () => {
    expect(credit([found, { ...opening, by: WGET }], [connection])).toEqual(["wget* → -"]);
    expect(credit([found, { ...found, by: WGET, at: 1_028 }], [connection])).toEqual(["- → -"]);
  });
});

test("F47 of the same ends in two namespaces each has its own process", () => {
  const facts = [opening, { ...opening, by: WGET, netns: POD }];
  expect(credit(facts, [connection, { ...connection, netns: POD }])).toEqual(["curl* → -", "wget* → -"]);
});

describe("nobody is blamed", () => {
  test("when two processes opened connections with the same ends so close together that either can be meant", () => {
    expect(credit([opening, { ...opening, by: WGET, at: 1_010 }], [connection])).toEqual(["- → -"]);
  });

  test("when something may have been missed between the opening and the connection", () => {
    expect(credit([opening, closing], [connection], { sinceMs: 1_001, untilMs: 1_015 })).toEqual(["- → -"]);
    expect(credit([opening, closing], [connection], { sinceMs: 3_000, untilMs: 3_100 })).toEqual(["curl* → worker*"]);
  });

  test("when somebody opened it who is not known, after somebody who is", () => {
    expect(credit([opening, { ...opening, by: undefined, at: 1_010 }], [connection])).toEqual(["- → -"]);
  });

  test("for the closing of an earlier connection from elsewhere with the same ends", () => {
    const later: Row = { ...connection, first: 1_100, last: 1_130 };
    expect(credit([closing], [later, connection])).toEqual(["- → -", "- → worker*"]);
    const living: Row = { ...connection, first: 1_100, last: 1_130, state: "established" };
    expect(credit([closing], [living])).toEqual(["- → -"]);
  });
});

test("the same closing stays with its connection in later reports", () => {
  const trace$ = new Subject<TraceBatch>();
  const snapshots$ = new Subject<BoundedSnapshot>();
  const told: number[] = [];
  snapshots$.pipe(creditTraced(trace$)).subscribe({
    next: ({ columns }) => told.push(columns.toOwner[0]!),
    error: expect.unreachable,
  });
  trace$.next(batchOf([closing], null));
  snapshots$.next(snapshotOf([{ ...connection, state: "closing", first: 1_010, after: 990 }]));
  // A scan had known of it before its event was read.
  snapshots$.next(snapshotOf([{ ...connection, first: 1_000, after: 990 }]));
  snapshots$.next(snapshotOf([{ ...connection, first: 1_400, last: 1_500 }]));
  expect(told).toEqual([1, 1, 0]);
});

test("facts beyond the room for them replace the oldest, and are found after the room has grown", () => {
  const many = Array.from({ length: 5_000 }, (_, i) => ({ ...opening, local: `10.0.0.2 ${10_000 + i}` }));
  const rows = [0, 2_500, 4_999].map((i) => ({ ...connection, from: `10.0.0.2 ${10_000 + i}` }));
  expect(credit(many, rows)).toEqual(["curl* → -", "curl* → -", "curl* → -"]);
});

function owner(pid: number, process: string): Owner {
  return { pid, startTicks: 10 * pid, process, ppid: 1, cmdline: "", cgroup: "", containerId: "" };
}

test("F53 an end that a rule may give its namespace is that of the process that closed it, and on this host", () => {
  const closed = {
    role: "closed",
    by: WORKER,
    local: "203.0.113.6 80",
    remote: "10.0.0.1 40000",
    at: 1500,
    netns: POD,
  } as const;
  const row = { from: "10.0.0.1 40000", to: "203.0.113.6 80", first: 1000, last: 2000 } as const;
  expect(credit([closed], [{ ...row, local: "from" }])).toEqual(["- → worker*"]);
});

function batchOf(facts: readonly Fact[], blind: TraceBatch["blind"]): TraceBatch {
  const rows = new Uint32Array(facts.length * TRACE_WORDS);
  const doubles = new Float64Array(rows.buffer);
  const owners = [...new Set(facts.flatMap(({ by }) => by ?? []))];
  for (const [i, { role = "opened", by, local, remote, at, netns = HOST }] of facts.entries()) {
    const base = i * TRACE_WORDS;
    const [own, peer] = [endOf(local), endOf(remote)];
    rows.set(own.address, base + TRACE.local);
    rows.set(peer.address, base + TRACE.remote);
    rows[base + TRACE.ports] = (own.port << 16) | peer.port;
    rows[base + TRACE.kind] = packKind(PROTOCOL.tcp, FAMILY.ipv4, TRACE_ROLE[role], 0);
    rows[base + TRACE.netns] = netns;
    rows[base + TRACE.owner] = by === undefined ? 0 : 1 + owners.indexOf(by);
    doubles[(base + TRACE.sinceMs) / 2] = at;
    doubles[(base + TRACE.untilMs) / 2] = at;
  }
  const counts = { events: 0, lost: 0, undecodable: 0, facts: 0, cpus: 1, ringBytes: 0, processes: 0 };
  const health = { state: "ok", reason: null, advice: null, ...counts, senders: "on" } as const;
  return { kind: "trace", timeMs: 0, count: facts.length, rows, blind, owners, health };
}

function snapshotOf(rows: readonly Row[]): BoundedSnapshot {
  const columns = allocateColumns(rows.length);
  columns.length = rows.length;
  const bounds = { beganAfterMs: new Float64Array(rows.length), toNetns: new Uint32Array(rows.length) };
  const owners: Owner[] = [];
  for (const [i, row] of rows.entries()) {
    const [from, to] = [endOf(row.from), endOf(row.to)];
    columns.originalSource.set(from.address, i * 4);
    columns.originalDestination.set(to.address, i * 4);
    columns.replySource.set(to.address, i * 4);
    columns.replyDestination.set(from.address, i * 4);
    columns.originalPorts[i] = (from.port << 16) | to.port;
    columns.replyPorts[i] = (to.port << 16) | from.port;
    columns.id[i] = i + 1;
    columns.protocol[i] = PROTOCOL.tcp;
    columns.netns[i] = row.netns ?? HOST;
    const local = row.local ?? "both";
    if (row.stale === true) columns.flags[i]! |= CONNECTION_FLAG.stale;
    if (local !== "none") columns.flags[i]! |= CONNECTION_FLAG.fromLocal;
    if (local === "both") columns.flags[i]! |= CONNECTION_FLAG.toLocal;
    columns.state[i] = indexOf(CONNECTION_STATE, row.state ?? "established");
    columns.fromReason[i] = indexOf(OWNER_REASON, "no-socket");
    columns.toReason[i] = indexOf(OWNER_REASON, "no-socket");
    if (row.toOwner !== undefined) columns.toOwner[i] = owners.push(row.toOwner);
    columns.firstSeenMs[i] = row.first;
    columns.lastSeenMs[i] = row.last;
    bounds.beganAfterMs[i] = row.after ?? row.first - 20;
    bounds.toNetns[i] = row.netns ?? HOST;
  }
  // The stage looks at nothing else.
  return { columns, bounds, owners, names: [], window: { startMs: 0, endMs: 0 }, health: {} as Snapshot["health"] };
}

function endOf(text: string): { readonly address: Uint32Array; readonly port: number } {
  const [address, port] = text.split(" ");
  return { address: parseAddress(address!)!, port: Number(port) };
}
