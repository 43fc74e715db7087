/** Scans that look only at processes of which the trace told something: nothing of what is right without it is less so, and all other processes are left alone. */
import { appendFileSync, cpSync, readFileSync, renameSync, rmSync } from "node:fs";
import { PROCESS_NEWS, type ProcessNews, type SocketTable } from "@conntrail/model";
import { Scanner } from "@conntrail/scan";
import { openTracer, type Tracer } from "@conntrail/trace";
import { describe, expect, test } from "vitest";
import { createLab, kernelTest, type LabNamespace } from "../lab/index.ts";
import { type ProcTree, procTree, unpackProcTree } from "../procfs/proc-tree.ts";
import { linesWith } from "./rows.ts";

const { born, ended, program, moved } = PROCESS_NEWS;

/** Scans of a tree, each told of so much. */
async function scannerOf(tree: ProcTree): Promise<(news?: ProcessNews) => Promise<SocketTable>> {
  const scanner = new Scanner({ root: tree.root, backend: "proc" });
  await scanner.scan();
  return async (processes) => {
    scanner.isStill({ nothingTold: false, entered: new Set(), processes });
    return (await scanner.scan()).table;
  };
}

function told(pid: number, bits: number): ProcessNews {
  return new Map([[pid, bits]]);
}

const NOTHING: ProcessNews = new Map();

describe("a scan that is told what happened to processes", () => {
  test("leaves alone whoever nothing was told of, and looks at all of them as soon as something may be missing", async () => {
    using tree = unpackProcTree("pods");
    const scan = await scannerOf(tree);
    tree.write("2000/stat", stat(2000, "late", 999));
    tree.write("2000/fd/.none", "");
    expect((await scan(NOTHING)).health.processes).toBe(4);
    expect((await scan(NOTHING)).health.processes).toBe(4);
    expect((await scan(undefined)).health.processes).toBe(5);
    tree.remove("2000");
    expect((await scan(NOTHING)).health.processes).toBe(5);
    expect((await scan(told(2000, ended))).health.processes).toBe(4);
  });

  test("looks at all of them now and then, whatever it is told", async () => {
    using tree = unpackProcTree("pods");
    const scan = await scannerOf(tree);
    tree.write("2000/stat", stat(2000, "late", 999));
    tree.write("2000/fd/.none", "");
    let scans = 0;
    while ((await scan(NOTHING)).health.processes < 5) expect(++scans).toBeLessThan(40);
    expect(scans).toBeGreaterThan(10);
  });

  test("is not told by what was told to the scan before it", async () => {
    using tree = unpackProcTree("pods");
    const scanner = new Scanner({ root: tree.root, backend: "proc" });
    await scanner.scan();
    tree.write("2000/stat", stat(2000, "late", 999));
    tree.write("2000/fd/.none", "");
    expect((await scanner.scan()).table.health.processes).toBe(5);
  });

  test("knows a process that was born, with what it holds", async () => {
    using tree = unpackProcTree("pods");
    const scan = await scannerOf(tree);
    tree.write("2000/stat", stat(2000, "late", 999));
    tree.link("2000/ns/net", "net:[4026532473]");
    tree.link("2000/fd/3", "socket:[313440]");
    tree.remove("1070/fd/3");
    expect(linesWith(await scan(told(2000, born)), "10.77.0.3|58152 ")).toMatchObject([
      { owner: "2000 late", owners: 1 },
    ]);
  });

  test("F27 a pid that is used again is another process", async () => {
    using tree = unpackProcTree("pods");
    const scan = await scannerOf(tree);
    tree.write("1066/stat", stat(1066, "sed", 999_999));
    for (const fd of [3, 4, 5]) tree.remove(`1066/fd/${fd}`);
    renewFolder(tree, "1066");
    const table = await scan(told(1066, ended | born));
    expect(linesWith(table, "10.77.0.2|8080 10.77.0.3|58158")).toMatchObject([{ owner: "no-process", owners: 0 }]);
    expect(table.owners.map(({ process }) => process)).not.toContain("sed");
  });

  test("F27 a pid that was used again behind its back is nobody's until it is told", async () => {
    using tree = crowd();
    const scan = await scannerOf(tree);
    tree.write("120/stat", stat(120, "heir", 999_999));
    renewFolder(tree, "120");
    tree.link("120/fd/50", "socket:[77777]");
    appendFileSync(`${tree.root}/101/net/tcp`, `${socketLine(77_777)}\n`);
    const line = (table: SocketTable) => linesWith(table, `|${77_777 & 0xffff} `)[0]!;
    const before = await scan(NOTHING);
    expect(before.owners.filter(({ pid }) => pid === 120)).toEqual([]);
    expect(line(before).owner).toBe("no-process");
    const after = await scan(told(120, ended | born));
    expect(line(after).owner).toBe("120 heir");
    expect(after.owners.find(({ pid }) => pid === 120)).toMatchObject({ startTicks: 999_999 });
  });

  test("finds who holds a new socket, though nobody told that it opened one, or that it was born", async () => {
    using tree = crowd();
    const scan = await scannerOf(tree);
    tree.link("133/fd/50", "socket:[77777]");
    tree.write("2000/stat", stat(2000, "late", 999));
    tree.link("2000/ns/net", "net:[4026531833]");
    tree.link("2000/fd/0", "socket:[77778]");
    appendFileSync(`${tree.root}/101/net/tcp`, `${socketLine(77_777)}\n${socketLine(77_778)}\n`);
    const table = await scan(NOTHING);
    expect(linesWith(table, `|${77_777 & 0xffff} `)).toMatchObject([{ owner: "133 p32" }]);
    expect(linesWith(table, `|${77_778 & 0xffff} `)).toMatchObject([{ owner: "2000 late" }]);
  });

  test("a program that is run keeps nothing of what it closed, and has its own name", async () => {
    using tree = unpackProcTree("pods");
    const scan = await scannerOf(tree);
    const start = startOf(tree, 1066);
    tree.write("1066/stat", stat(1066, "other", start));
    tree.remove("1066/fd/3");
    const table = await scan(told(1066, program));
    expect(linesWith(table, "10.77.0.2|8080 10.77.0.3|58158")).toMatchObject([{ owner: "1066 other" }]);
    expect(linesWith(table, "listen")).toMatchObject([{ owners: 2 }]);
  });

  test("a process that ended and is shown for a while yet goes when it does", async () => {
    using tree = unpackProcTree("pods");
    const scan = await scannerOf(tree);
    expect((await scan(told(1070, ended))).health.processes).toBe(4);
    expect((await scan(NOTHING)).health.processes).toBe(4);
    tree.remove("1070");
    expect((await scan(NOTHING)).health.processes).toBe(3);
  });

  test("F25 a process that moved is in its new namespace", async () => {
    using tree = unpackProcTree("pods");
    const scan = await scannerOf(tree);
    for (const pid of [1061, 1065, 1066, 1070]) tree.link(`${pid}/ns/net`, "net:[4026532999]");
    const inodes = (table: SocketTable) => new Set(table.namespaces.map(({ netns }) => netns));
    expect(inodes(await scan(told(1061, moved)))).toContain(4026532999);
  });
});

describe("on a real kernel, told by a trace", () => {
  /** A scanner and its trace, which have met everybody. */
  async function watching(tracer: Tracer): Promise<() => Promise<SocketTable>> {
    const scanner = new Scanner();
    const scan = async (): Promise<SocketTable> => {
      tracer.drain();
      scanner.isStill({ nothingTold: false, entered: tracer.takeEntered(), processes: tracer.takeNews() });
      return (await scanner.scan()).table;
    };
    await scan();
    return scan;
  }

  kernelTest("F21 F27 what begins, moves and ends between scans is what a walk of everybody finds", async () => {
    await using lab = await createLab("one", "two");
    const tracer = openTracer({ ringBytes: 8 << 20 });
    try {
      const scan = await watching(tracer);
      for (let round = 0; round < 4; round++) {
        const server = await lab.ns("one").start("tcp-server", { host: "127.0.0.1", children: 2 });
        const client = await lab.ns("one").start("tcp-client", {
          host: "127.0.0.1",
          port: server.ready.port!,
          connections: 5,
          hold: true,
        });
        const other = await lab.ns("two").start("udp-server", { host: "127.0.0.1" });
        const [mine, walked] = [await scan(), (await new Scanner().scan()).table];
        for (const where of [lab.ns("one"), lab.ns("two")]) {
          expect(ownersIn(mine, where).length).toBeGreaterThan(0);
          expect(ownersIn(mine, where)).toEqual(ownersIn(walked, where));
        }
        expect(tracer.health.lost).toBe(0);
        await client.stop("SIGKILL");
        await server.stop("SIGKILL");
        await other.stop("SIGKILL");
        expect(ownersIn(await scan(), lab.ns("two"))).toEqual([]);
      }
    } finally {
      tracer.close();
    }
  });
});

/** Each socket of a namespace that a process holds, with who that is. */
function ownersIn(table: SocketTable, { inode }: LabNamespace): string[] {
  return linesWith(table)
    .filter(({ netns, socket }) => netns === inode && /established|listen|udp/.test(socket))
    .map(({ socket, owner, owners }) => `${socket} ← ${owner}, ${owners}`)
    .sort();
}

function stat(pid: number, name: string, start: number): string {
  return `${pid} (${name}) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 ${start} 0 0\n`;
}

function startOf(tree: ProcTree, pid: number): number {
  return Number(
    readFileSync(`${tree.root}/${pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ")[19],
  );
}

/** Gives a process's folder of descriptors another inode, as the kernel does for another process. */
function renewFolder(tree: ProcTree, pid: string): void {
  const path = `${tree.root}/${pid}/fd`;
  cpSync(path, `${path}.new`, { recursive: true, verbatimSymlinks: true });
  rmSync(path, { recursive: true });
  renameSync(`${path}.new`, path);
}

/** 40 processes with a few sockets each. */
function crowd(): ProcTree {
  const entries = ["== link self -> 101", "== link net -> self/net"];
  const lines: string[] = [];
  for (let pid = 101; pid < 141; pid++) {
    entries.push(`== file ${pid}/stat`, stat(pid, `p${pid - 101}`, pid).trimEnd());
    entries.push(`== link ${pid}/ns/net -> net:[4026531833]`);
    for (let fd = 0; fd < 3; fd++) {
      const inode = 10_000 + pid * 3 + fd;
      entries.push(`== link ${pid}/fd/${fd} -> socket:[${inode}]`);
      lines.push(socketLine(inode));
    }
  }
  entries.push("== file 101/net/tcp", ...lines);
  return procTree(`${entries.join("\n")}\n`);
}

function socketLine(inode: number): string {
  const port = (inode & 0xffff).toString(16).toUpperCase().padStart(4, "0");
  return `  1: 0100007F:${port} 0100007F:0050 01 0:0 00:0 0  0  0 ${inode} 1`;
}
