import { appendFileSync, cpSync, renameSync, rmSync } from "node:fs";
import { formatAddress, type SocketTable } from "@conntrail/model";
import { Scanner, type ScanSettings } from "@conntrail/scan";
import { describe, expect, test } from "vitest";
import { type ProcTree, procTree, unpackProcTree } from "../procfs/proc-tree.ts";
import { linesWith, socketLines } from "./rows.ts";

const SERVER_NS = 4026532404;
const CLIENT_NS = 4026532473;

function scannerOf(tree: ProcTree, settings: Partial<ScanSettings> = {}): Scanner {
  return new Scanner({ root: tree.root, backend: "proc", ...settings });
}

async function scanOf(tree: ProcTree, settings: Partial<ScanSettings> = {}): Promise<SocketTable> {
  return (await scannerOf(tree, settings).scan()).table;
}

describe("a scan of a /proc tree", () => {
  test("S11 S12 every socket of every namespace with its process", async () => {
    using tree = unpackProcTree("pods");
    const table = await scanOf(tree);
    expect(
      socketLines(table).map(
        ({ socket, netns, owner }) => `${netns === SERVER_NS ? "server" : "client"}: ${socket} ← ${owner}`,
      ),
    ).toEqual([
      "server: tcp6 listen ::|8080 ::|0 ← 1061 web (main) 1",
      "server: tcp4 established 10.77.0.2|8080 10.77.0.3|58158 ← 1066 web (work) 1",
      "server: tcp6 established fd77::2|8080 fd77::3|35248 ← 1066 web (work) 1",
      "server: tcp4 established 10.77.0.2|8080 10.77.0.3|58152 ← 1065 web (work) 0",
      "server: udp4 close 0.0.0.0|5353 0.0.0.0|0 ← 1061 web (main) 1",
      "client: tcp4 established 10.77.0.3|58152 10.77.0.2|8080 ← 1070 python3",
      "client: tcp4 established 10.77.0.3|58158 10.77.0.2|8080 ← 1070 python3",
      "client: tcp6 established fd77::3|35248 fd77::2|8080 ← 1070 python3",
      "client: udp4 established 10.77.0.3|41382 10.77.0.2|5353 ← 1070 python3",
    ]);
    expect(table.health).toMatchObject({
      state: "ok",
      reason: null,
      sockets: 9,
      attributed: 9,
      processes: 4,
      namespaces: 2,
      backend: "proc",
    });
  });

  test("S12 an owner has name, start, parent, command line, control group and container", async () => {
    using tree = unpackProcTree("pods");
    const { owners } = await scanOf(tree, { commandLines: true });
    const id = "3b1f0c9d2e4a5b6c7d8e9f00112233445566778899aabbccddeeff0011223344";
    expect(owners.find(({ pid }) => pid === 1065)).toEqual({
      pid: 1065,
      startTicks: 328418,
      process: "web (work) 0",
      ppid: 1061,
      cmdline: "/usr/bin/python3 srv.py",
      cgroup: `/system.slice/docker-${id}.scope`,
      containerId: id,
    });
  });

  test("F62 command lines are left alone unless they are asked for", async () => {
    using tree = unpackProcTree("pods");
    const { owners } = await scanOf(tree);
    expect(owners.length).toBeGreaterThan(0);
    expect(owners.filter(({ cmdline }) => cmdline !== "")).toEqual([]);
  });

  test("F26 a listening socket shared by a forked server belongs to its lowest pid, with the number of holders, in every scan", async () => {
    using tree = unpackProcTree("pods");
    const scanner = scannerOf(tree);
    for (let i = 0; i < 3; i++) {
      expect(linesWith((await scanner.scan()).table, "listen")).toMatchObject([
        { owner: "1061 web (main) 1", owners: 3 },
      ]);
    }
  });

  test("F26 when the lowest pid lets go of a shared socket, the next one has it", async () => {
    using tree = unpackProcTree("pods");
    const scanner = scannerOf(tree);
    await scanner.scan();
    tree.remove("1061/fd/3");
    expect(linesWith((await scanner.scan()).table, "listen")).toMatchObject([
      { owner: "1065 web (work) 0", owners: 2 },
    ]);
    tree.remove("1065");
    expect(linesWith((await scanner.scan()).table, "listen")).toMatchObject([
      { owner: "1066 web (work) 1", owners: 1 },
    ]);
  });

  test("F27 a pid that is used again is another process: nothing of the old one is shown on the new one", async () => {
    using tree = unpackProcTree("pods");
    const scanner = scannerOf(tree);
    await scanner.scan();
    tree.write("1066/stat", "1066 (sed) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 999999 0 0\n");
    tree.write("1066/cmdline", "sed\0s/a/b/\0");
    for (const fd of [3, 4, 5]) tree.remove(`1066/fd/${fd}`);
    renewFolder(tree, "1066");
    const { table } = await scanner.scan();
    expect(linesWith(table, "58158 ")).toMatchObject([{ owner: "1070 python3" }]);
    expect(linesWith(table, "10.77.0.2|8080 10.77.0.3|58158")).toMatchObject([{ owner: "no-process", owners: 0 }]);
    expect(table.owners.map(({ process }) => process)).not.toContain("sed");
  });

  test("F27 the new process of an old pid is shown with its own start time once it holds a socket", async () => {
    using tree = unpackProcTree("pods");
    const scanner = scannerOf(tree);
    await scanner.scan();
    tree.write("1066/stat", "1066 (heir) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 999999 0 0\n");
    renewFolder(tree, "1066");
    const { table } = await scanner.scan();
    expect(table.owners.find(({ pid }) => pid === 1066)).toMatchObject({ process: "heir", startTicks: 999999 });
  });

  test("a process that ends between two scans takes its sockets' owner with it, and that is no error", async () => {
    using tree = unpackProcTree("pods");
    const scanner = scannerOf(tree);
    await scanner.scan();
    tree.remove("1070/fd");
    tree.remove("1070/stat");
    const { table } = await scanner.scan();
    expect(linesWith(table, "tcp4 established 10.77.0.2|8080")).toHaveLength(2);
    expect(table.health).toMatchObject({ state: "ok", undecodable: 0 });
  });

  test("F26 a socket that was passed on to another process and closed changes its owner, though the kernel lists it all the time", async () => {
    using tree = unpackProcTree("pods");
    const scanner = scannerOf(tree);
    expect(linesWith((await scanner.scan()).table, "58152 ")[0]).toMatchObject({ owner: "1070 python3" });
    tree.remove("1070/fd/3");
    tree.link("1066/fd/9", "socket:[313440]");
    const owners: string[] = [];
    for (let i = 0; i < 3; i++) owners.push(linesWith((await scanner.scan()).table, "58152 ")[0]!.owner);
    expect(owners.at(-1)).toBe("1066 web (work) 1");
  });

  test("a descriptor whose socket came and went between two dumps is looked at again when a new socket is looked for", async () => {
    using tree = unpackProcTree("odd");
    const scanner = scannerOf(tree);
    tree.link("7/fd/11", "socket:[800]");
    for (const inode of [800, 801, 802]) {
      tree.link("7/fd/11", `socket:[${inode}]`);
      // The first one is never listed, the others are.
      if (inode > 800) tree.write("7/net/tcp", `  1: 0100007F:0050 0100007F:C350 01 0:0 00:0 0  0  0 ${inode} 1\n`);
      const { table } = await scanner.scan();
      if (inode > 800) expect(linesWith(table, "tcp4")).toMatchObject([{ inode, owner: "7 (sd-pam) x" }]);
    }
  });

  test("F30 each socket without a process says why", async () => {
    using tree = unpackProcTree("odd");
    const lines = socketLines(await scanOf(tree));
    expect(lines.map(({ socket, owner }) => `${socket} ← ${owner}`)).toEqual([
      "tcp4 listen 127.0.0.1|22 0.0.0.0|0 ← 7 (sd-pam) x",
      "tcp4 established 127.0.0.1|22 127.0.0.1|50000 ← 7 (sd-pam) x",
      "tcp4 closeWait 127.0.0.1|50000 127.0.0.1|22 ← no-process",
      "tcp4 finWait1 127.0.0.1|80 127.0.0.1|54323 ← no-process",
      "udp4 close 0.0.0.0|53 0.0.0.0|0 ← 7 (sd-pam) x",
    ]);
    expect(lines.every(({ owner }) => owner !== "known")).toBe(true);
  });

  test("what cannot be read is counted and the rest is there", async () => {
    using tree = unpackProcTree("odd");
    const { health } = await scanOf(tree);
    expect(health).toMatchObject({ state: "ok", sockets: 5, attributed: 3, undecodable: 6 });
  });

  test("F16 with attribution off the sockets are the same, none has a process, and each says that it is off", async () => {
    using tree = unpackProcTree("pods");
    const scanner = scannerOf(tree, { processes: false });
    const { table, descriptors } = await scanner.scan();
    expect(table.count).toBe(9);
    expect(new Set(socketLines(table).map(({ owner }) => owner))).toEqual(new Set(["off"]));
    expect(table.owners).toEqual([]);
    expect(table.health).toMatchObject({ state: "ok", attributed: 0, namespaces: 2 });
    expect(descriptors).toBe(0);
  });

  test("F17 net/tcp is read once for each namespace and scan, whatever the number of processes in it", async () => {
    using tree = unpackProcTree("pods");
    // If anyone read the files of the other processes as well, these would be rows.
    const line = "  0: 0100007F:1111 0100007F:2222 01 00000000:00000000 00:00000000 00000000 0 0 77 1\n";
    for (const pid of [1065, 1066]) {
      tree.remove(`${pid}/net`);
      for (const file of ["tcp", "tcp6", "udp", "udp6"]) tree.write(`${pid}/net/${file}`, line);
    }
    const table = await scanOf(tree);
    expect(table.count).toBe(9);
    expect(linesWith(table, "|4369")).toEqual([]);
  });

  test("F21 a listener that appears between two scans is in the next table", async () => {
    using tree = unpackProcTree("odd");
    const scanner = scannerOf(tree);
    expect(linesWith((await scanner.scan()).table, "listen")).toHaveLength(1);
    tree.write("7/net/tcp", "  1: 0100007F:0050 00000000:0000 0A 0:0 00:0 0  0  0 777 1\n");
    tree.link("7/fd/4", "socket:[777]");
    expect(linesWith((await scanner.scan()).table, "listen")).toMatchObject([
      { socket: "tcp4 listen 127.0.0.1|80 0.0.0.0|0", owner: "7 (sd-pam) x" },
    ]);
  });

  test("F25 F38 the same ends in two namespaces are two sockets, each with its own process", async () => {
    using tree = unpackProcTree("pods");
    const line = (inode: number) => `  0: 0100007F:1388 0100007F:2328 01 0:0 00:0 0  0  0 ${inode} 1\n`;
    tree.write("1061/net/tcp", line(9001));
    tree.write("1070/net/tcp", line(9002));
    tree.link("1065/fd/9", "socket:[9001]");
    tree.link("1070/fd/9", "socket:[9002]");
    expect(linesWith(await scanOf(tree), "127.0.0.1|5000 127.0.0.1|9000")).toMatchObject([
      { netns: SERVER_NS, owner: "1065 web (work) 0" },
      { netns: CLIENT_NS, owner: "1070 python3" },
    ]);
  });

  test("each namespace has its own addresses and its ephemeral ports", async () => {
    using tree = unpackProcTree("pods");
    const { namespaces } = await scanOf(tree);
    expect(namespaces.map(({ netns }) => netns)).toEqual([SERVER_NS, CLIENT_NS]);
    const texts = namespaces.map(({ addresses }) =>
      Array.from({ length: addresses.length / 4 }, (_, i) => formatAddress(addresses, i * 4)),
    );
    expect(texts[0]).toContain("10.77.0.2");
    expect(texts[1]).toContain("fd77::3");
    expect(namespaces[0]!.ephemeral).toEqual({ low: 32768, high: 60999 });
  });

  test("only the own namespace when that is what was asked for", async () => {
    using tree = unpackProcTree("pods");
    const table = await scanOf(tree, { namespaces: "own" });
    expect([table.count, table.namespaces.length]).toEqual([5, 1]);
  });

  test("an IPv6 listener takes IPv4 too, unless another socket has the port of 0.0.0.0", async () => {
    using tree = unpackProcTree("pods");
    expect(linesWith(await scanOf(tree), "listen")).toMatchObject([{ dualStack: true }]);
    tree.write("1061/net/tcp", "  0: 00000000:1F90 00000000:0000 0A 0:0 00:0 0  0  0 777 1\n");
    expect(linesWith(await scanOf(tree), "tcp6 listen")).toMatchObject([{ dualStack: false }]);
  });

  test("S11 one row per inode: of a socket that a file lists twice the later line counts", async () => {
    using tree = unpackProcTree("odd");
    const line = (state: string) => `  0: 0100007F:0050 0100007F:C350 ${state} 0:0 00:0 0  0  0 502 1\n`;
    tree.write("7/net/tcp", line("02") + line("01"));
    expect(linesWith(await scanOf(tree), "tcp4")).toMatchObject([
      { socket: "tcp4 established 127.0.0.1|80 127.0.0.1|50000" },
    ]);
  });

  test("F43 the number of rows has a limit; what is beyond it is counted exactly and told", async () => {
    using tree = unpackProcTree("pods");
    const table = await scanOf(tree, { maxSockets: 4 });
    expect(table.count).toBe(4);
    expect(table.health).toMatchObject({ state: "degraded", reason: "too-many-sockets", sockets: 9 });
    expect(table.health.advice).toContain("5 sockets");
  });
});

describe("the health of a scan", () => {
  test("hidepid is told apart from missing permission, when process 1 is hidden from us", async () => {
    using tree = unpackProcTree("odd");
    tree.write("7/mounts", `proc ${tree.root} proc rw,hidepid=2 0 0\n`);
    const hidden = await scanOf(tree);
    expect(hidden.health).toMatchObject({ state: "degraded", reason: "hidepid" });
    expect(hidden.health.advice).toContain("hidepid=invisible");
    expect(linesWith(hidden, "closeWait")).toMatchObject([{ owner: "permission" }]);
    tree.write("1/stat", "1 (init) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1 0 0\n");
    expect((await scanOf(tree)).health).toMatchObject({ state: "ok", reason: null });
  });

  test("without /proc and without sock_diag there is nothing, and the reason is /proc", async () => {
    using tree = procTree("");
    const table = await scanOf(tree);
    expect(table.count).toBe(0);
    expect(table.health).toMatchObject({ state: "off", reason: "no-proc", backend: "none" });
  });

  test("S20 without /proc the sockets of the own namespace still come, without processes, and each says so", async () => {
    using tree = procTree("");
    const { table } = await new Scanner({ root: tree.root }).scan();
    expect(table.health).toMatchObject({ state: "degraded", reason: "no-proc", backend: "sock_diag" });
    expect(table.namespaces).toHaveLength(1);
    for (const { inode, owner } of socketLines(table)) expect(owner).toBe(inode === 0 ? "no-process" : "unavailable");
  });
});

describe("the price of finding owners", () => {
  const PROCESSES = 40;
  const FDS = 15;

  /** 40 processes with 15 sockets each, and one socket that nobody holds. */
  function crowd(): ProcTree {
    const entries = ["== link self -> 101", "== link net -> self/net"];
    const lines: string[] = [];
    for (let p = 0; p < PROCESSES; p++) {
      const pid = 101 + p;
      entries.push(`== file ${pid}/stat`, `${pid} (p${p}) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 ${pid} 0 0`);
      entries.push(`== link ${pid}/ns/net -> net:[4026531833]`);
      for (let fd = 0; fd < FDS; fd++) {
        const inode = 10_000 + p * FDS + fd;
        entries.push(`== link ${pid}/fd/${fd} -> socket:[${inode}]`);
        lines.push(socketLine(inode));
      }
    }
    entries.push("== file 101/net/tcp", ...lines, socketLine(99_999));
    return procTree(`${entries.join("\n")}\n`);
  }

  function socketLine(inode: number): string {
    return `  1: 0100007F:${hex(inode)} 0100007F:0050 01 0:0 00:0 0  0  0 ${inode} 1`;
  }

  test("F19 after the first walk a scan without news reads a bounded part of the descriptors again, and no more", async () => {
    using tree = crowd();
    const scanner = scannerOf(tree);
    const first = await scanner.scan();
    expect(first.table.health).toMatchObject({ sockets: 601, attributed: 600 });
    expect(first.descriptors).toBeGreaterThanOrEqual(PROCESSES * FDS);
    for (let i = 0; i < 4; i++) {
      const { descriptors, table } = await scanner.scan();
      expect(table.health.attributed).toBe(600);
      expect(descriptors).toBeLessThanOrEqual(200);
    }
  });

  test("F19 a hundred sockets that nobody knows share one search", async () => {
    using tree = crowd();
    const scanner = scannerOf(tree);
    await scanner.scan();
    const lines = Array.from({ length: 100 }, (_, i) => socketLine(50_000 + i));
    tree.write("101/net/tcp", `${lines.join("\n")}\n`);
    for (let fd = 0; fd < 20; fd++) tree.link(`101/fd/${100 + fd}`, `socket:[${50_000 + fd}]`);
    const found = await scanner.scan();
    expect(found.table.health).toMatchObject({ sockets: 100, attributed: 20 });
    // Listing everybody once, reading what is new and what has gone, and the part that is read again in turns.
    expect(found.descriptors).toBeLessThan(PROCESSES * FDS * 2);
    const costs: number[] = [];
    for (let i = 0; i < 5; i++) costs.push((await scanner.scan()).descriptors);
    expect(costs.at(-1)).toBeLessThanOrEqual(200);
  });

  test("F26 a shared socket whose lowest pid lets go has its new owner in the next scan, however long a full round takes", async () => {
    using tree = crowd();
    tree.link("120/fd/50", "socket:[99999]");
    tree.link("140/fd/50", "socket:[99999]");
    const scanner = scannerOf(tree);
    const line = async () => linesWith((await scanner.scan()).table, `|${99_999 & 0xffff} `)[0]!;
    expect(await line()).toMatchObject({ owner: "120 p19", owners: 2 });
    tree.remove("120/fd/50");
    expect(await line()).toMatchObject({ owner: "140 p39", owners: 1 });
  });

  test("F19 a socket that takes the descriptor of one that was never listed is found in the scan that lists it", async () => {
    using tree = crowd();
    tree.link("140/fd/50", "socket:[88888]");
    const scanner = scannerOf(tree);
    await scanner.scan();
    tree.link("140/fd/50", "socket:[77777]");
    appendFileSync(`${tree.root}/101/net/tcp`, `${socketLine(77_777)}\n`);
    const line = linesWith((await scanner.scan()).table, `|${77_777 & 0xffff} `);
    expect(line).toMatchObject([{ inode: 77_777, owner: "140 p39" }]);
  });

  test("F26 a search notices on its way that a socket has another holder than before", async () => {
    using tree = crowd();
    tree.link("130/fd/50", "socket:[99999]");
    const scanner = scannerOf(tree);
    const line = async () => linesWith((await scanner.scan()).table, `|${99_999 & 0xffff} `)[0]!;
    expect(await line()).toMatchObject({ owner: "130 p29" });
    tree.remove("130/fd/50");
    tree.link("140/fd/50", "socket:[99999]");
    appendFileSync(`${tree.root}/101/net/tcp`, `${socketLine(77_777)}\n`);
    expect(await line()).toMatchObject({ owner: "140 p39", owners: 1 });
  });

  test("thousands of sockets that come and go leave every other one with its owner", async () => {
    using tree = procTree(
      "== link self -> 5\n== file 5/stat\n5 (busy) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0\n",
    );
    tree.link("5/ns/net", "net:[4026531833]");
    const inodes = Array.from({ length: 1900 }, (_, i) => 1000 + i * 7);
    inodes.forEach((inode, fd) => {
      tree.link(`5/fd/${fd}`, `socket:[${inode}]`);
    });
    const scanner = scannerOf(tree);
    for (const kept of [1, 2, 3, 5]) {
      const left = inodes.filter((_, i) => i % kept === 0);
      tree.write("5/net/tcp", `${left.map(socketLine).join("\n")}\n`);
      for (const [fd, inode] of inodes.entries()) if (!left.includes(inode)) tree.remove(`5/fd/${fd}`);
      const { health } = (await scanner.scan()).table;
      expect([health.sockets, health.attributed]).toEqual([left.length, left.length]);
      inodes.splice(0, inodes.length, ...left);
    }
  });

  test("a socket that was there before anyone knew whose it is gets its owner when a descriptor for it appears", async () => {
    using tree = crowd();
    const scanner = scannerOf(tree);
    expect(linesWith((await scanner.scan()).table, `|${99_999 & 0xffff} `)).toMatchObject([{ owner: "no-process" }]);
    tree.link("120/fd/3", "socket:[99999]");
    const owners: string[] = [];
    for (let i = 0; i < 40 && owners.at(-1) !== "120 p19"; i++) {
      owners.push(linesWith((await scanner.scan()).table, `|${99_999 & 0xffff} `)[0]!.owner);
    }
    expect(owners.at(-1)).toBe("120 p19");
  });
});

function hex(port: number): string {
  return (port & 0xffff).toString(16).toUpperCase().padStart(4, "0");
}

/** Gives a process's folder of descriptors another inode, as the kernel does for another process. */
function renewFolder(tree: ProcTree, pid: string): void {
  const path = `${tree.root}/${pid}/fd`;
  cpSync(path, `${path}.new`, { recursive: true, verbatimSymlinks: true });
  rmSync(path, { recursive: true });
  renameSync(`${path}.new`, path);
}
