/**
 * SCTP's sockets (F68). The kernels that these tests run on have no SCTP, so the messages and texts are written from the kernel's own: `inet_sctp_diag_fill`
 * (net/sctp/diag.c), `sctp_eps_seq_show` and `sctp_assocs_seq_show` (net/sctp/proc.c).
 */
import { type Owner, PROTOCOL, SOCKET_STATE, SocketRows, type SocketTable } from "@conntrail/model";
import { parseSctpSockets } from "@conntrail/procfs";
import { assembleSocketTable, Scanner, type ScanRecord, type SocketDump } from "@conntrail/scan";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { unpackProcTree } from "../procfs/proc-tree.ts";
import { batch, flow, HOST } from "../stages/flow-fixture.ts";
import { connections, run, tick } from "../stages/snapshot-view.ts";
import { owner } from "../stages/socket-fixture.ts";
import { type DiagSocket, diagMessages } from "./diag-messages.ts";
import { linesWith, socketLines } from "./rows.ts";

/** SCTP_STATE_ESTABLISHED, SCTP_STATE_SHUTDOWN_RECEIVED, of an association. */
const [ESTABLISHED, SHUTDOWN_RECEIVED] = [3, 6];
const LISTENER: DiagSocket = {
  local: "0.0.0.0|3868",
  remote: "0.0.0.0|0",
  inode: 31,
  state: SOCKET_STATE.listen,
  locals: ["0.0.0.0"],
};
/** Two addresses at each end; the second of the peer is the one in use. */
const ASSOCIATION: DiagSocket = {
  local: "10.0.0.1|3868",
  remote: "10.0.2.2|40000",
  inode: 32,
  state: ESTABLISHED,
  // The interface of its route, which is no part of it.
  device: 7,
  locals: ["10.0.0.1", "10.0.1.1", "fd00::1"],
  peers: ["10.0.1.2", "10.0.2.2"],
};
const [MME, HSS] = [owner(7, "mme"), owner(8, "hss")];

function tableOf(dumps: readonly SocketDump[], owners: readonly Owner[] = [], ...holders: number[][]): SocketTable {
  const facts: ScanRecord["facts"] = {
    scans: 1,
    durationMs: 1,
    backend: "sock_diag",
    states: 0xfff,
    maxSockets: 1000,
    ownersWanted: true,
    procReadable: true,
    hidepid: "off",
    processes: 1,
    denied: 0,
    unreachable: 0,
    unreadable: 0,
  };
  const times = { startedMs: 900, timeMs: 910, cutMs: 910 };
  return assembleSocketTable({
    kind: "scan",
    ...times,
    dumps,
    owners,
    holders: Uint32Array.from(holders.flat()),
    namespaces: [],
    facts,
  });
}

const diag = (...sockets: readonly DiagSocket[]): SocketDump => ({
  format: "sock_diag",
  netns: HOST,
  protocol: PROTOCOL.sctp,
  bytes: diagMessages(...sockets),
});
const text = (lines: string): SocketDump => ({
  format: "proc-net",
  netns: HOST,
  protocol: PROTOCOL.sctp,
  bytes: Buffer.from(lines, "latin1"),
});
/** A table of these, with who holds the two. */
const held = (...dumps: readonly SocketDump[]): SocketTable => tableOf(dumps, [MME, HSS], [31, 1, 1], [32, 2, 1]);
const told = (table: SocketTable): string[] => socketLines(table).map((each) => `${each.socket} ← ${each.owner}`);

/** What /proc prints of the same two: every address with a space behind it, a star before those in use. */
const EPS =
  " ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS\n" +
  "0000000012345678 0000000023456789 2   10  44   3868      0    31 0.0.0.0 \n" +
  "0000000034567890 0000000045678901 0   7   45   5060      0    33 0.0.0.0 \n";
const ASSOCS =
  " ASSOC     SOCK   STY SST ST HBKT ASSOC-ID TX_QUEUE RX_QUEUE UID INODE LPORT RPORT LADDRS <-> RADDRS HBINT INS OUTS MAXRT T1X T2X RTXC wmema wmemq sndbuf rcvbuf\n" +
  "00000000abcdef01 0000000012345678 2   1   3  0       5        0        0       0    32 3868  40000  *10.0.0.1 10.0.1.1 fd00:0000:0000:0000:0000:0000:0000:0001 " +
  "<-> 10.0.1.2 *10.0.2.2 \t    7500    10    10   10    0    0        0        1        0   212992   212992\n";
const WHOLE = [
  "sctp4 listen 0.0.0.0|3868 0.0.0.0|0 ← 7 mme",
  "sctp4 established 10.0.0.1|3868 10.0.2.2|40000 ← 8 hss",
  "sctp4 established 10.0.0.1|3868 10.0.1.2|40000 ← 8 hss",
  "sctp4 established 10.0.1.1|3868 10.0.1.2|40000 ← 8 hss",
  "sctp4 established 10.0.1.1|3868 10.0.2.2|40000 ← 8 hss",
];

describe("F68 SCTP by sock_diag", () => {
  test("F68 what listens, and each path of an association, the one in use first, with their processes", () => {
    expect(told(held(diag(LISTENER, ASSOCIATION)))).toEqual(WHOLE);
  });

  test("F68 an association's states are its own, and its route's interface is not its device", () => {
    const closing = { ...ASSOCIATION, state: SHUTDOWN_RECEIVED, peers: ["10.0.2.2"] };
    const [row] = socketLines(tableOf([diag(closing)]));
    expect(row).toMatchObject({ socket: "sctp4 closeWait 10.0.0.1|3868 10.0.2.2|40000", device: 0 });
  });

  test("F68 an endpoint that does not listen is known by its associations; a closed one of these is none", () => {
    const table = tableOf([diag({ ...LISTENER, state: SOCKET_STATE.close }, { ...ASSOCIATION, state: 0 })]);
    expect([told(table), table.health.undecodable]).toEqual([[], 0]);
  });

  test("F68 over IPv6, and with IPv4 on an IPv6 socket", () => {
    const six = { ...ASSOCIATION, family: 10, local: "fd00::1|3868", remote: "fd00::2|40000" };
    const found = told(tableOf([diag({ ...six, locals: ["fd00::1", "10.0.0.1"], peers: ["10.0.1.2", "fd00::2"] })]));
    expect(found).toEqual([
      "sctp6 established fd00::1|3868 fd00::2|40000 ← no-process",
      "sctp4 established 10.0.0.1|3868 10.0.1.2|40000 ← no-process",
    ]);
  });

  test("F68 messages without their addresses, or with half of one, are counted", () => {
    const { locals: _, ...bare } = LISTENER;
    const half = diagMessages(ASSOCIATION);
    // The last attribute's length: one byte less than its addresses have.
    new DataView(half.buffer).setUint16(half.length - 256 - 4, 256 + 4 - 1, true);
    expect(tableOf([diag(bare), { ...diag(), bytes: half }]).health.undecodable).toBe(2);
  });
});

describe("F68 SCTP by /proc", () => {
  test("F68 says the same", () => {
    expect(told(held(text(EPS), text(ASSOCS)))).toEqual(WHOLE);
  });

  test("F68 lines that are cut or have another form are counted", () => {
    const bad = ["1 2 3\n", ASSOCS.slice(0, -30), EPS.replace("3868", "99999"), EPS.replace("0.0.0.0", "0.0.0")];
    const unreadable = bad.map((each) => tableOf([text(each)]).health.undecodable);
    expect(unreadable).toEqual([1, 1, 1, 1]);
  });

  test("F68 any bytes give rows and a count, never an error", () => {
    const lines = fc.array(fc.constantFrom(..."0123456789.:* <->\t\nASOC".split("")), { maxLength: 300 });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          lines.map((all) => Buffer.from(all.join(""))),
        ),
        (bytes) => {
          const rows = new SocketRows(1000);
          expect(parseSctpSockets(bytes, 5, rows)).toBeGreaterThanOrEqual(0);
        },
      ),
    );
    for (let at = 0; at < ASSOCS.length; at++)
      parseSctpSockets(Buffer.from(ASSOCS.slice(0, at)), 5, new SocketRows(10));
  });

  test("F68 is where a scan finds it, when the namespace has SCTP", async () => {
    using tree = unpackProcTree("pods");
    tree.write("1061/net/sctp/eps", EPS);
    tree.write("1061/net/sctp/assocs", ASSOCS);
    const { table } = await new Scanner({ root: tree.root, backend: "proc" }).scan();
    expect(linesWith(table, "sctp")).toHaveLength(5);
  });
});

describe("F68 SCTP's connections", () => {
  const paths = ["10.0.2.2:40000 > 10.0.0.1:3868", "10.0.1.2:40000 > 10.0.1.1:3868"];

  test("F68 each path that conntrack tells of has the association's process", () => {
    const flows = paths.map((ends) => flow(ends).protocol(PROTOCOL.sctp).with({ state: 4 }));
    const [report] = run([held(diag(LISTENER, ASSOCIATION)), batch(1000, flows), tick(2000)]);
    expect(connections(report!).map(({ ends, to }) => `${ends} ${to}`)).toEqual(paths.map((ends) => `${ends} hss(8)`));
  });

  test("F68 without conntrack an association is one connection, by its primary path", () => {
    const [report] = run([held(diag(LISTENER, ASSOCIATION)), tick(2000)]);
    expect(connections(report!).map(({ ends, to, state }) => `${ends} ${to} ${state}`)).toEqual([
      "10.0.2.2:40000 > 10.0.0.1:3868 hss(8) established",
    ]);
  });
});
