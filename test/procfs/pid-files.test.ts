import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import {
  isNotPermitted,
  isParseError,
  OpError,
  parsePidCgroup,
  parsePidCmdline,
  parsePidStat,
  readFdFolder,
  readFdNumbers,
  readFdSocket,
  readNamespaceMounts,
  readNetNamespace,
  readPidCgroup,
  readPidCmdline,
  readPidComm,
  readPidStat,
  readPids,
} from "@conntrail/procfs";
import { describe, expect, test } from "vitest";
import { unpackProcTree } from "./proc-tree.ts";

/** More than the kernel's highest pid (pid_max is at most 2^22). */
const NO_PID = 4_999_999;

describe("the files of a process", () => {
  test("pids are the folders with a number for a name, ascending", () => {
    using tree = unpackProcTree("pods");
    expect(readPids(tree.root)).toEqual([1061, 1065, 1066, 1070]);
  });

  test("a root that is not there has no pids, and that is no error", () => {
    expect(readPids("/nowhere/proc")).toBeUndefined();
  });

  test("stat: a name with parentheses and spaces does not shift the fields", () => {
    using tree = unpackProcTree("pods");
    expect(readPidStat(tree.root, 1065)).toEqual({
      pid: 1065,
      comm: "web (work) 0",
      state: "S",
      ppid: 1061,
      startTicks: 328418,
    });
    using odd = unpackProcTree("odd");
    expect(readPidStat(odd.root, 7)).toEqual({ pid: 7, comm: "(sd-pam) x", state: "S", ppid: 1, startTicks: 99 });
  });

  test("stat: a name may hold a line break and look like fields", () => {
    const text = `5 (a) R 9 (b\n) S 1 5 5 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 77 0 0\n`;
    expect(parsePidStat(text)).toEqual({ pid: 5, comm: "a) R 9 (b\n", state: "S", ppid: 1, startTicks: 77 });
  });

  test("stat: a cut text is a ParseError that names file and column and quotes the text", () => {
    using tree = unpackProcTree("odd");
    const error = thrownBy(() => readPidStat(tree.root, 11));
    expect(isParseError(error) && error).toMatchObject({ code: "bad-text", file: "PID/stat", column: "comm" });
    expect(thrownBy(() => parsePidStat("12 (x) S 1 2 3\n"))).toMatchObject({ code: "truncated", column: "starttime" });
    expect(thrownBy(() => parsePidStat("12 (x) S one 2 3 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 77 0"))).toMatchObject({
      code: "bad-number",
      column: "ppid",
    });
  });

  test("comm and cmdline: arguments are joined by spaces, the name keeps its own", () => {
    using tree = unpackProcTree("odd");
    expect(readPidComm(tree.root, 7)).toBe("(sd-pam) x");
    expect(readPidCmdline(tree.root, 7)).toBe("agent --name two words");
  });

  test("cmdline is cut to 256 characters, and not in the middle of one", () => {
    expect(parsePidCmdline(`${"x".repeat(300)}\0`)).toBe("x".repeat(256));
    expect(parsePidCmdline(`${"x".repeat(255)}😀 and more\0`)).toBe("x".repeat(255));
    expect(parsePidCmdline("")).toBe("");
  });

  test("S12 cgroup: the unified path and the container id in it", () => {
    using tree = unpackProcTree("pods");
    const id = "3b1f0c9d2e4a5b6c7d8e9f00112233445566778899aabbccddeeff0011223344";
    expect(readPidCgroup(tree.root, 1061)).toEqual({ path: `/system.slice/docker-${id}.scope`, containerId: id });
  });

  test("S12 cgroup of version 1: the longest path, and the container id in any of them", () => {
    using tree = unpackProcTree("pods");
    const id = "aa11bb22cc33dd44ee55ff6600778899aabbccddeeff00112233445566778899";
    expect(readPidCgroup(tree.root, 1070)).toEqual({ path: `/kubepods/besteffort/pod7f1e/${id}`, containerId: id });
    using odd = unpackProcTree("odd");
    expect(readPidCgroup(odd.root, 7)).toEqual({ path: "/user.slice/user-0.slice", containerId: "" });
  });

  test("cgroup: 65 hexadecimal digits are no container id", () => {
    expect(parsePidCgroup(`0::/${"a".repeat(65)}\n`).containerId).toBe("");
  });

  test("fd: sockets by inode, other files as 0, a file whose name looks like a socket's as 0", () => {
    using tree = unpackProcTree("odd");
    expect(readFdNumbers(tree.root, 7)?.sort()).toEqual([0, 5, 6, 7, 8, 9]);
    expect([0, 5, 7, 9].map((fd) => readFdSocket(tree.root, 7, fd))).toEqual([0, 501, 0, 0]);
  });

  test("ns/net: the inode of the namespace, and a ParseError for another kind", () => {
    using tree = unpackProcTree("pods");
    expect(readNetNamespace(tree.root, 1061)).toBe(4026532404);
    expect(readNetNamespace(tree.root, "self")).toBe(4026532404);
    tree.link("1061/ns/net", "pid:[4026531836]");
    expect(thrownBy(() => readNetNamespace(tree.root, 1061))).toMatchObject({ code: "bad-text", column: "link" });
  });

  test("a process that is gone is undefined from every reader, never an error", () => {
    for (const read of [
      readPidStat,
      readPidComm,
      readPidCmdline,
      readPidCgroup,
      readNetNamespace,
      readFdFolder,
      readFdNumbers,
    ]) {
      expect(read("/proc", NO_PID)).toBeUndefined();
    }
    expect(readFdSocket("/proc", NO_PID, 0)).toBeUndefined();
    using odd = unpackProcTree("odd");
    expect(readPidStat(odd.root, 9)).toBeUndefined();
  });

  test("what the system refuses is an OpError with the C name, and permission is told apart", () => {
    using tree = unpackProcTree("odd");
    tree.write("9/stat/inside", "a folder where a file should be");
    expect(thrownBy(() => readPidStat(tree.root, 9))).toMatchObject({ name: "OpError", op: "read", errno: "EISDIR" });
    expect(isNotPermitted(new OpError("open", "EACCES", "/proc/1/fd", undefined))).toBe(true);
    expect(isNotPermitted(new OpError("open", "EMFILE", "/proc/1/fd", undefined))).toBe(false);
  });
});

describe("the files of a real process", () => {
  test("our own: name, parent, start, and the inode of a socket that we opened", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const stat = readPidStat("/proc", process.pid)!;
      expect(stat.ppid).toBe(process.ppid);
      expect(stat.startTicks).toBeGreaterThan(0);
      expect(readPidComm("/proc", process.pid)).toBe(stat.comm);
      const inodes = readFdNumbers("/proc", process.pid)!.map((fd) => readFdSocket("/proc", process.pid, fd));
      expect(inodes.filter((inode) => inode !== undefined && inode > 0).length).toBeGreaterThan(0);
      expect(readNetNamespace("/proc", process.pid)).toBe(readNetNamespace("/proc", "thread-self"));
    } finally {
      server.close();
    }
  });

  test("F27 a process started later under any pid has another start time", async () => {
    const first = spawn("sleep", ["30"]);
    const startOfFirst = readPidStat("/proc", first.pid!)!.startTicks;
    await new Promise((resolve) => setTimeout(resolve, 50));
    const second = spawn("sleep", ["30"]);
    try {
      expect(readPidStat("/proc", second.pid!)!.startTicks).toBeGreaterThan(startOfFirst);
    } finally {
      first.kill();
      second.kill();
    }
  });
});

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

test("a process that has ended and waits to be reaped has no mounts, and is no error", async () => {
  // The shell leaves a child that has ended to a program that never asks for it.
  const parent = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 30"], { stdio: ["ignore", "pipe", "ignore"] });
  try {
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    const child = Number(line);
    const state = (): string | undefined => /^State:\s+(\S)/m.exec(readFileSync(`/proc/${child}/status`, "utf8"))?.[1];
    for (let i = 0; i < 500 && state() !== "Z"; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(state()).toBe("Z");
    expect(readNamespaceMounts("/proc", child)).toBeUndefined();
  } finally {
    parent.kill("SIGKILL");
  }
});
