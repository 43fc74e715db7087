/** Sockets, holders and namespaces as the field has them (F46, F47, F49, F52, F54). */

import { readFileSync, statSync } from "node:fs";
import { type Owner, PROTOCOL, SOCKET_STATE } from "@conntrail/model";
import { assembleSocketTable, Scanner, type ScanRecord, type SocketDump } from "@conntrail/scan";
import { describe, expect, test, vi } from "vitest";
import { mustRun, runCommand } from "../lab/command.ts";
import { kernelTest } from "../lab/kernel-test.ts";
import { createLab } from "../lab/lab.ts";
import { Program } from "../lab/program.ts";
import { unpackProcTree } from "../procfs/proc-tree.ts";
import { type DiagSocket, diagMessages } from "./diag-messages.ts";
import { linesWith, socketLines } from "./rows.ts";

const FACTS: ScanRecord["facts"] = {
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

const owner = (pid: number, process: string): Owner => ({
  pid,
  startTicks: pid,
  process,
  ppid: 1,
  cmdline: "",
  cgroup: "",
  containerId: "",
});

/** A table of sockets of one namespace; `holders` are inode, 1 + index of the owner, number of holders. */
function lines(sockets: readonly DiagSocket[], owners: readonly Owner[], ...holders: readonly number[][]) {
  const dump: SocketDump = { format: "sock_diag", netns: 5, protocol: PROTOCOL.tcp, bytes: diagMessages(...sockets) };
  const table = assembleSocketTable({
    kind: "scan",
    startedMs: 1000,
    timeMs: 1010,
    cutMs: 1010,
    dumps: [dump],
    owners,
    holders: Uint32Array.from(holders.flat()),
    namespaces: [],
    facts: FACTS,
  });
  return socketLines(table).map(({ socket, owner: held, owners: count }) => `${socket} ← ${held} (${count})`);
}

/** The health of a table with one socket that nobody is known to hold. */
function healthOf(facts: Partial<ScanRecord["facts"]>) {
  const bytes = diagMessages({ local: "127.0.0.1|2024", remote: "0.0.0.0|0", inode: 41, state: SOCKET_STATE.listen });
  const dumps = [{ format: "sock_diag" as const, netns: 5, protocol: PROTOCOL.tcp, bytes }];
  const rest = { startedMs: 1, timeMs: 2, cutMs: 2, owners: [], holders: new Uint32Array(0), namespaces: [] };
  return assembleSocketTable({ kind: "scan", ...rest, dumps, facts: { ...FACTS, ...facts } }).health;
}

test("N9 a process that may not be inspected is named, with what is known of why, and so is the socket", () => {
  const obstacle = "process 1, init, may not be inspected, although no capability is missing";
  const { state, reason, advice } = healthOf({ denied: 1, obstacle });
  expect([state, reason]).toEqual(["degraded", "partly-permitted"]);
  expect(advice).toBe(`1 socket has no known process, tcp 127.0.0.1 port 2024; ${obstacle}`);
});

test("F45 a /proc that shows a pid namespace of its own is told, with what helps, when it shows no process for a socket", () => {
  expect(healthOf({ ownPids: true })).toMatchObject({
    state: "degraded",
    reason: "own-pid-namespace",
    advice: expect.stringContaining("--pid=host"),
  });
  expect(healthOf({})).toMatchObject({ state: "ok", reason: null });
});

const PYTHON = owner(7, "python3");
const OTHER = owner(8, "other");

describe("F46 subflows of MPTCP share an inode", () => {
  const first: DiagSocket = { local: "10.93.1.2|37112", remote: "10.93.1.1|8000", inode: 11, cookie: 1 };
  const second: DiagSocket = { local: "10.93.2.2|55001", remote: "10.93.1.1|8000", inode: 11, cookie: 2 };

  test("each is a socket of its own, with the same owner", () => {
    expect(lines([first, second], [PYTHON], [11, 1, 1])).toEqual([
      "tcp4 established 10.93.1.2|37112 10.93.1.1|8000 ← 7 python3 (1)",
      "tcp4 established 10.93.2.2|55001 10.93.1.1|8000 ← 7 python3 (1)",
    ]);
  });

  test("a subflow that is told twice, because it changed its place in the dump, is there once and as it was last", () => {
    const moved = { ...first, state: SOCKET_STATE.closeWait };
    expect(lines([first, second, moved], [PYTHON], [11, 1, 1])).toEqual([
      "tcp4 established 10.93.2.2|55001 10.93.1.1|8000 ← 7 python3 (1)",
      "tcp4 closeWait 10.93.1.2|37112 10.93.1.1|8000 ← 7 python3 (1)",
    ]);
  });
});

describe("F47 the same ends on two devices", () => {
  const onFirst: DiagSocket = { local: "10.0.0.1|7020", remote: "10.0.0.2|47000", inode: 21, device: 2 };
  const onSecond: DiagSocket = { ...onFirst, inode: 22, device: 3 };

  test("held by two processes name neither of them", () => {
    expect(lines([onFirst, onSecond], [PYTHON, OTHER], [21, 1, 1], [22, 2, 1])).toEqual([
      "tcp4 established 10.0.0.1|7020 10.0.0.2|47000 ← ambiguous (1)",
      "tcp4 established 10.0.0.1|7020 10.0.0.2|47000 ← ambiguous (1)",
    ]);
  });

  test("held by one process name that one; other ends, and one device, are no matter", () => {
    const elsewhere: DiagSocket = { ...onFirst, remote: "10.0.0.3|47000", inode: 23, device: 3 };
    expect(lines([onFirst, onSecond], [PYTHON], [21, 1, 1], [22, 1, 1]).join()).not.toContain("ambiguous");
    expect(lines([onFirst, elsewhere], [PYTHON, OTHER], [21, 1, 1], [23, 2, 1]).join()).not.toContain("ambiguous");
  });

  test("listeners bound to a device and to none are such sockets too", () => {
    const listener: DiagSocket = { local: "0.0.0.0|53", remote: "0.0.0.0|0", inode: 31, state: SOCKET_STATE.listen };
    const bound = { ...listener, inode: 32, device: 4 };
    expect(lines([listener, bound], [PYTHON, OTHER], [31, 1, 1], [32, 2, 1]).join()).toMatch(/ambiguous.*ambiguous/);
  });
});

describe("F54 a listener that several programs hold", () => {
  /** The forked server of the tree, whose parent now bears another program's name. */
  async function scanOf(rename: boolean, accepts: boolean) {
    using tree = unpackProcTree("pods");
    for (const pid of rename ? [1061] : []) {
      tree.write(`${pid}/stat`, STAT);
      tree.write(`${pid}/comm`, "systemd\n");
    }
    if (!accepts) for (const pid of [1065, 1066]) for (let fd = 4; fd < 12; fd++) tree.remove(`${pid}/fd/${fd}`);
    const { table } = await new Scanner({ root: tree.root, backend: "proc" }).scan();
    return linesWith(table, "listen");
  }

  const STAT =
    "1061 (systemd) S 1 10582 4016 0 -1 4194560 3216 6532 0 0 3 1 3 0 20 0 1 0 328394 17649664 3581 18446744073709551615 0 0 0 0 0 0 0 16781318 0 1 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

  test("belongs to the one that was seen to accept from it", async () => {
    expect(await scanOf(true, true)).toMatchObject([{ owner: expect.stringMatching(/web/), owners: 3 }]);
  });

  test("belongs to none of them before that, and says so", async () => {
    expect(await scanOf(true, false)).toMatchObject([{ owner: "ambiguous", owners: 3 }]);
  });

  test("a pre-forking server is one program, whatever its processes do", async () => {
    expect(await scanOf(false, true)).toMatchObject([{ owner: "1061 web (main) 1", owners: 3 }]);
  });
});

kernelTest(
  "F45 in a pid namespace of its own, beside sockets of the host, no socket is said to have no process",
  async () => {
    await using lab = await createLab("host");
    const host = lab.ns("host");
    const server = await host.start("tcp-server", { host: "127.0.0.1" });
    const program = new URL("./programs/scan-once.mjs", import.meta.url).pathname;
    const inside = host.spawn("unshare", ["--pid", "--fork", "--mount-proc", process.execPath, program]);
    const said = await inside.json<{ health: object; sockets: readonly { port: number; reason: string }[] }>();
    expect(said.health).toMatchObject({ state: "degraded", reason: "own-pid-namespace" });
    expect(said.sockets.find((socket) => socket.port === server.ready.port)?.reason).toBe("permission");
  },
);

const PROGRAM = new URL("./programs/odd-holder.mjs", import.meta.url).pathname;

describe("sockets that a walk of processes does not show", () => {
  kernelTest("F49 a thread with descriptors of its own: the sockets are its process's, as ss -T shows", async () => {
    await using lab = await createLab("host");
    const holder = lab.ns("host").spawn(process.execPath, [PROGRAM, "--how", "files", "--port", "7001"]);
    await holder.json();
    const scanner = new Scanner();
    const { table } = await scanner.scan();
    const owners = linesWith(table, "established", "127.0.0.1|7001").map(({ owner: held }) => held);
    expect(owners).toEqual([`${holder.pid} node`, `${holder.pid} node`]);
    await holder[Symbol.asyncDispose]();
    expect(linesWith((await scanner.scan()).table, "established", "127.0.0.1|7001")).toEqual([]);
  });

  for (const how of ["thread", "descriptor", "socket"] as const) {
    kernelTest(`F52 a namespace that only a ${how} keeps is read, and gone when that is`, async () => {
      const name = `ct-kept-${how}-${process.pid}`;
      await mustRun("ip", ["netns", "add", name]);
      await mustRun("ip", ["-n", name, "link", "set", "lo", "up"]);
      const { ino } = statSync(`/run/netns/${name}`);
      await using holder = new Program(process.execPath, [
        PROGRAM,
        "--how",
        how,
        "--path",
        `/run/netns/${name}`,
        "--port",
        "7003",
      ]);
      try {
        await holder.json();
      } finally {
        await runCommand("ip", ["netns", "del", name]);
      }
      const scanner = new Scanner();
      // A socket in no known namespace is asked where it is after the first scan.
      await scanner.scan();
      const found = linesWith((await scanner.scan()).table, "established", "127.0.0.1|7003");
      const place = [ino, `${holder.pid} node`];
      expect(found.map(({ netns, owner: held }) => [netns, held])).toEqual([place, place]);
      await holder[Symbol.asyncDispose]();
      const { table } = await scanner.scan();
      expect(table.namespaces.map(({ netns }) => netns)).not.toContain(ino);
    });
  }
});

kernelTest("F52 a process that has ended and was not waited for hides no namespace that it led to", async () => {
  await using lab = await createLab("host");
  const host = lab.ns("host");
  const child = `ip netns exec ${host.name} sh -c 'echo $$; exec sleep 60'`;
  // The shell becomes a program that waits for nobody.
  await using parent = new Program("sh", ["-c", `${child} & exec sleep 60`]);
  const pid = Number(await parent.line());
  const scanner = new Scanner();
  const inodes = async () => (await scanner.scan()).table.namespaces.map(({ netns }) => netns);
  expect(await inodes()).toContain(host.inode);
  process.kill(pid, "SIGKILL");
  const state = () => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]![0];
  await vi.waitUntil(() => state() === "Z", { timeout: 10_000 });
  expect(await inodes()).toContain(host.inode);
});

test("F49 a process whose first thread has ended is known by another of its threads", async () => {
  using tree = unpackProcTree("pods");
  // The first thread's folder is empty; what the process holds shows in the second one's.
  tree.link("1066/task/1067/fd/4", "socket:[312706]");
  tree.link("1066/task/1067/ns/net", "net:[4026532404]");
  tree.write("1066/task/1066/comm", "web (work) 1\n");
  tree.remove("1066/fd");
  tree.write("1066/fd/.none", "");
  tree.remove("1066/fd/.none");
  const { table } = await new Scanner({ root: tree.root, backend: "proc" }).scan();
  expect(linesWith(table, "10.77.0.3|58158").map(({ owner: held }) => held)).toContain("1066 web (work) 1");
});
