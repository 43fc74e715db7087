import { FAMILY, type Owner, PROTOCOL, SOCKET, SOCKET_STATE, SOCKET_WORDS } from "@conntrail/model";
import { assembleSocketTable, type ScanFacts, Scanner, type ScanRecord, type SocketDump } from "@conntrail/scan";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { unpackProcTree } from "../procfs/proc-tree.ts";
import { type DiagSocket, diagMessages } from "./diag-messages.ts";
import { socketLines } from "./rows.ts";

const FACTS: ScanFacts = {
  scans: 1,
  durationMs: 5,
  backend: "sock_diag",
  states: 0xfff,
  maxSockets: 1000,
  ownersWanted: true,
  procReadable: true,
  hidepid: "off",
  processes: 3,
  denied: 0,
  unreachable: 0,
  unreadable: 0,
};
const NGINX: Owner = {
  pid: 7,
  startTicks: 70,
  process: "nginx",
  ppid: 1,
  cmdline: "nginx",
  cgroup: "/",
  containerId: "",
};

function record(dumps: readonly SocketDump[], rest: Partial<ScanRecord> = {}): ScanRecord {
  return {
    kind: "scan",
    startedMs: 1000,
    timeMs: 1010,
    cutMs: 1010,
    dumps,
    owners: [],
    holders: new Uint32Array(0),
    namespaces: [],
    facts: FACTS,
    ...rest,
  };
}

function tcp(...sockets: readonly DiagSocket[]): SocketDump {
  return { format: "sock_diag", netns: 5, protocol: PROTOCOL.tcp, bytes: diagMessages(...sockets) };
}

function texts(dumps: readonly SocketDump[], rest?: Partial<ScanRecord>): string[] {
  return socketLines(assembleSocketTable(record(dumps, rest))).map(({ socket, owner }) => `${socket} ← ${owner}`);
}

const CALL: DiagSocket = { local: "10.0.0.1|40000", remote: "10.0.0.2|80", inode: 11, device: 3 };

describe("a table from sock_diag's messages", () => {
  test("S11 a row has both ends, state, user, inode and cookie", () => {
    const table = assembleSocketTable(record([tcp({ ...CALL, cookie: 77 })]));
    expect(socketLines(table)).toMatchObject([
      { socket: "tcp4 established 10.0.0.1|40000 10.0.0.2|80", netns: 5, inode: 11, device: 3, bytesSent: -1 },
    ]);
    expect([table.rows[SOCKET.cookieLow], table.rows[SOCKET.cookieHigh]]).toEqual([77, 0]);
    expect(table).toMatchObject({ startedMs: 1000, timeMs: 1010, count: 1 });
  });

  test("S11 IPv6, and IPv4 that an IPv6 socket carries is IPv4", () => {
    expect(
      texts([
        tcp(
          { local: "fd00::1|443", remote: "fd00::2|50000", family: FAMILY.ipv6, inode: 1 },
          { local: "::ffff:10.0.0.1|443", remote: "::ffff:10.0.0.9|50000", family: FAMILY.ipv6, inode: 2 },
        ),
      ]),
    ).toEqual([
      "tcp6 established fd00::1|443 fd00::2|50000 ← no-process",
      "tcp4 established 10.0.0.1|443 10.0.0.9|50000 ← no-process",
    ]);
  });

  test("a listener on :: takes IPv4 too unless it says IPV6_V6ONLY", () => {
    const listener = { local: "::|80", remote: "::|0", family: FAMILY.ipv6, state: SOCKET_STATE.listen };
    const table = assembleSocketTable(
      record([tcp({ ...listener, inode: 1, v6Only: false }, { ...listener, inode: 2, v6Only: true })]),
    );
    expect(socketLines(table).map(({ dualStack }) => dualStack)).toEqual([true, false]);
  });

  test("bytes, round-trip time and retransmits come from TCP_INFO, also beyond 32 bits", () => {
    const tcpInfo = { rtt: 1234, retransmits: 5, acked: 0x1_0000_0002n, received: 3n };
    const { rows } = assembleSocketTable(record([tcp({ ...CALL, tcpInfo })]));
    const doubles = new Float64Array(rows.buffer);
    expect([doubles[SOCKET.bytesSent >> 1], doubles[SOCKET.bytesReceived >> 1]]).toEqual([0x1_0000_0002, 3]);
    expect([rows[SOCKET.rttMicros], rows[SOCKET.retransmits]]).toEqual([1234, 5]);
  });

  test("F28 FIN_WAIT2 and CLOSE_WAIT are kept; what is left of a closed connection is none, though it shows FIN_WAIT2", () => {
    const { finWait2, closeWait } = SOCKET_STATE;
    expect(
      texts([
        tcp(
          { ...CALL, inode: 1, state: finWait2 },
          { ...CALL, inode: 2, state: closeWait },
          { ...CALL, inode: 0, state: finWait2, timer: 3 },
        ),
      ]),
    ).toEqual([
      "tcp4 finWait2 10.0.0.1|40000 10.0.0.2|80 ← no-process",
      "tcp4 closeWait 10.0.0.1|40000 10.0.0.2|80 ← no-process",
    ]);
  });

  test("a port 0 where there must be one and a family never seen are counted and skipped; a listener and UDP may lack a peer", () => {
    const udp: SocketDump = {
      ...tcp({ local: "0.0.0.0|53", remote: "0.0.0.0|0", state: 7, inode: 9 }),
      protocol: PROTOCOL.udp,
    };
    const listener = { local: "0.0.0.0|80", remote: "0.0.0.0|0", state: SOCKET_STATE.listen, inode: 8 };
    const bad = [
      { ...CALL, local: "10.0.0.1|0" },
      { ...CALL, remote: "10.0.0.2|0" },
      { ...CALL, family: 99, local: "::|1", remote: "::|2" },
    ];
    const table = assembleSocketTable(record([tcp(listener, ...bad), udp]));
    expect(socketLines(table).map(({ socket }) => socket)).toEqual([
      "tcp4 listen 0.0.0.0|80 0.0.0.0|0",
      "udp4 close 0.0.0.0|53 0.0.0.0|0",
    ]);
    expect(table.health.undecodable).toBe(3);
  });

  test("a message that is cut is counted, and what came before it is there", () => {
    const whole = diagMessages(CALL, { ...CALL, inode: 12 });
    const table = assembleSocketTable(record([{ ...tcp(), bytes: whole.subarray(0, whole.length - 40) }]));
    expect([table.count, table.health.undecodable]).toEqual([1, 1]);
  });

  test("S11 one row per inode: of a socket that is told twice the later state counts", () => {
    expect(texts([tcp({ ...CALL, state: SOCKET_STATE.synSent }, { ...CALL, inode: 12 }, CALL)])).toEqual([
      "tcp4 established 10.0.0.1|40000 10.0.0.2|80 ← no-process",
      "tcp4 established 10.0.0.1|40000 10.0.0.2|80 ← no-process",
    ]);
  });

  test("any bytes give a table and a count, never an error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom("sock_diag", "proc-net"), (bytes, format) => {
        const table = assembleSocketTable(record([{ format, netns: 1, protocol: PROTOCOL.tcp, bytes }]));
        expect(table.rows.length).toBeGreaterThanOrEqual(table.count * SOCKET_WORDS);
      }),
    );
  });

  test("any byte of a dump changed gives a table, and loses what follows at most", () => {
    const bytes = diagMessages(CALL, { ...CALL, inode: 12 }, { ...CALL, inode: 13, v6Only: true });
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const changed = bytes.slice();
        changed[at] = value;
        const before = Math.floor(at / (bytes.length / 3));
        const table = assembleSocketTable(record([{ ...tcp(), bytes: changed }]));
        expect(table.count + table.health.undecodable).toBeGreaterThanOrEqual(Math.max(0, before - 1));
      }),
    );
  });
});

describe("owners in a table", () => {
  const two = tcp(CALL, { ...CALL, inode: 12 }, { ...CALL, inode: 0 });
  const held = { owners: [NGINX], holders: Uint32Array.of(11, 1, 2) };

  test("S12 F26 a socket names its owner and how many processes hold it", () => {
    const lines = socketLines(assembleSocketTable(record([two], held)));
    expect(lines.map(({ owner, owners }) => [owner, owners])).toEqual([
      ["7 nginx", 2],
      ["no-process", 0],
      ["no-process", 0],
    ]);
  });

  test("F30 F43 every missing process has a reason: permission only where a hidden process may hold the socket", () => {
    const owners = (facts: Partial<ScanFacts>) =>
      socketLines(assembleSocketTable(record([two], { ...held, facts: { ...FACTS, ...facts } }))).map(
        ({ owner }) => owner,
      );
    expect(owners({ denied: 1 })).toEqual(["7 nginx", "permission", "no-process"]);
    expect(owners({ hidepid: "invisible" })).toEqual(["7 nginx", "permission", "no-process"]);
    expect(owners({ procReadable: false })).toEqual(["7 nginx", "unavailable", "no-process"]);
    const off = { ownersWanted: false };
    expect(
      socketLines(assembleSocketTable(record([two], { facts: { ...FACTS, ...off } }))).map(({ owner }) => owner),
    ).toEqual(["off", "off", "off"]);
  });

  test("processes that may not be inspected degrade the health only when a socket may be theirs", () => {
    const health = (dump: SocketDump, facts: Partial<ScanFacts>) =>
      assembleSocketTable(record([dump], { ...held, facts: { ...FACTS, ...facts } })).health;
    expect(health(two, { denied: 4 })).toMatchObject({ state: "degraded", reason: "partly-permitted", attributed: 1 });
    expect(health(two, { denied: 4 }).advice).toBe(
      "1 socket has no known process, tcp 10.0.0.1 port 40000 to 10.0.0.2 port 80; 4 processes may not be inspected",
    );
    expect(health(tcp(CALL), { denied: 4 })).toMatchObject({ state: "ok", reason: null, advice: null });
    expect(health(tcp(CALL), { unreachable: 2 })).toMatchObject({ state: "degraded", reason: "partly-permitted" });
  });

  test("a recording whose holders point beyond its owners gives sockets without owner, not a crash", () => {
    const damaged = { owners: [NGINX], holders: Uint32Array.of(11, 9, 1, 12, 1, 1, 13) };
    expect(texts([two], damaged).map((text) => text.split(" ← ")[1])).toEqual(["no-process", "7 nginx", "no-process"]);
  });
});

describe("a recorded scan", () => {
  test("gives the same table again after it was stored: same rows, owners, namespaces and health", async () => {
    using tree = unpackProcTree("pods");
    const { table, record: taken } = await new Scanner({ root: tree.root, backend: "proc" }).scan({ record: true });
    const again = assembleSocketTable(structuredClone(taken!));
    const used = (rows: Uint32Array) => rows.slice(0, table.count * SOCKET_WORDS);
    expect({ ...again, rows: used(again.rows) }).toEqual({ ...table, ways: undefined, rows: used(table.rows) });
    expect(table.count).toBe(9);
  });

  test("is not taken unless asked for", async () => {
    using tree = unpackProcTree("pods");
    expect((await new Scanner({ root: tree.root, backend: "proc" }).scan()).record).toBeUndefined();
  });
});
