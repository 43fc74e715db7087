import { networkInterfaces } from "node:os";
import { formatAddress } from "@conntrail/model";
import {
  hidepid,
  parseConntrackStat,
  parseCpuTime,
  parseFibTrie,
  parseIfInet6,
  parseMounts,
  parsePortRange,
  parseSockstat,
  parseUptime,
  readConntrackStat,
  readCpuTime,
  readLocalAddresses,
  readMounts,
  readPortRange,
  readSockstat,
  readSysctlNumber,
  readUptime,
} from "@conntrail/procfs";
import { describe, expect, test } from "vitest";
import { unpackProcTree } from "./proc-tree.ts";

function addresses(words: Uint32Array): string[] {
  return Array.from({ length: words.length / 4 }, (_, i) => formatAddress(words, i * 4));
}

describe("sysctl", () => {
  test("the conntrack settings by their names, with the line break that they end in", () => {
    using tree = unpackProcTree("odd");
    const read = (name: string) => readSysctlNumber(tree.root, `net.netfilter.nf_conntrack_${name}`);
    expect(["events", "acct", "timestamp", "max", "count"].map(read)).toEqual([2, 1, 0, 262144, 17]);
    expect(read("labels")).toBeUndefined();
    expect(() => read("buckets")).toThrow(/bad-number: sys\/net.netfilter.nf_conntrack_buckets: value: got "many\\n"/);
  });

  test("the range of ephemeral ports", () => {
    using tree = unpackProcTree("odd");
    expect(readPortRange(tree.root)).toEqual({ low: 1024, high: 65535 });
    expect(() => parsePortRange("32768\n")).toThrow(/bad-text/);
    expect(readPortRange("/nowhere")).toBeUndefined();
  });
});

describe("local addresses", () => {
  test("those of each namespace, each once, IPv4 and IPv6", () => {
    using tree = unpackProcTree("pods");
    expect(addresses(readLocalAddresses(tree.root, 1061)!)).toEqual([
      "10.77.0.2",
      "127.0.0.1",
      "fd77::2",
      "fe80::a8a8:93ff:fef6:1b75",
      "::1",
    ]);
    expect(addresses(readLocalAddresses(tree.root, 1070)!)).toContain("10.77.0.3");
  });

  test("F40 without IPv6 the IPv4 ones", () => {
    using tree = unpackProcTree("odd");
    expect(addresses(readLocalAddresses(tree.root)!)).toEqual(["127.0.0.1", "192.0.2.7"]);
    expect(readLocalAddresses("/nowhere")).toBeUndefined();
  });

  test("broadcast addresses, networks and cut lines are none", () => {
    expect(
      parseFibTrie("     |-- 10.0.0.255\n        /32 link BROADCAST\n     |-- 10.0.0.0\n        /24 link UNICAST\n"),
    ).toEqual([]);
    expect(parseFibTrie("     |-- 10.0.0.1\n")).toEqual([]);
    expect(parseFibTrie("     |-- 10.0.0.999\n        /32 host LOCAL\n")).toEqual([]);
    expect(parseIfInet6("fd77000000000000\n")).toEqual([]);
  });

  test("the real files agree with the operating system's own list", () => {
    const expected = Object.values(networkInterfaces()).flatMap((list) =>
      (list ?? []).map(({ address }) => address.split("%")[0]!),
    );
    expect(addresses(readLocalAddresses("/proc")!)).toEqual(expect.arrayContaining([...new Set(expected)]));
  });
});

describe("mounts", () => {
  test("hidepid of the /proc that is mounted at a place, as word and as number", () => {
    using tree = unpackProcTree("odd");
    const mounts = readMounts(tree.root)!;
    expect(mounts.map(({ target }) => target)).toEqual(["/", "/proc", "/mnt/with space"]);
    expect(hidepid(mounts, "/proc")).toBe("invisible");
    const option = (options: string) => hidepid(parseMounts(`proc /proc proc rw,${options} 0 0\n`), "/proc");
    expect(["hidepid=0", "hidepid=1", "hidepid=2", "hidepid=4", "relatime", "hidepid=toString"].map(option)).toEqual([
      "off",
      "noaccess",
      "invisible",
      "ptraceable",
      "off",
      "off",
    ]);
    expect(hidepid(mounts, "/host/proc")).toBe("off");
    expect(hidepid(mounts, "/")).toBe("off");
  });

  test("of two mounts at one place the later one counts", () => {
    const text = "proc /proc proc rw,hidepid=2 0 0\nproc /proc proc rw 0 0\n";
    expect(hidepid(parseMounts(text), "/proc")).toBe("off");
  });
});

describe("counters", () => {
  test("net/stat/nf_conntrack: by heading, summed over the CPUs, entries not summed", () => {
    using tree = unpackProcTree("odd");
    expect(readConntrackStat(tree.root)).toEqual({
      entries: 17,
      invalid: 15,
      insertFailed: 2,
      drop: 2,
      earlyDrop: 258,
      searchRestart: 4,
    });
    expect(readConntrackStat("/nowhere")).toBeUndefined();
  });

  test("net/stat/nf_conntrack: a counter that a kernel does not have is 0, a cut line is told", () => {
    expect(parseConntrackStat("entries  found drop\n00000002 00000000 00000001\n")).toMatchObject({
      entries: 2,
      drop: 1,
      earlyDrop: 0,
    });
    expect(() => parseConntrackStat("entries  found drop\n00000002 0000\n")).toThrow(
      /truncated: net\/stat\/nf_conntrack: drop/,
    );
    expect(() => parseConntrackStat("entries  found drop\n00000002 0000 wat\n")).toThrow(/bad-number/);
    expect(() => parseConntrackStat("")).toThrow(/bad-text/);
  });

  test("sockstat, with and without IPv6", () => {
    using pods = unpackProcTree("pods");
    expect(readSockstat(pods.root, 1061)).toEqual({ tcp: 0, tcp6: 4, timeWait: 0 });
    using odd = unpackProcTree("odd");
    expect(readSockstat(odd.root)).toEqual({ tcp: 5, tcp6: 0, timeWait: 2 });
    expect(parseSockstat("TCP: what\n", "")).toBeUndefined();
  });

  test("uptime in seconds, schedstat in milliseconds of CPU", () => {
    using tree = unpackProcTree("odd");
    expect(readUptime(tree.root)).toBe(12.5);
    expect(() => parseUptime("soon\n")).toThrow(/bad-number/);
    expect(readCpuTime(tree.root, 7)).toBe(1.5);
    expect(parseCpuTime("")).toBeUndefined();
  });

  test("a thread's CPU time grows with its work", () => {
    const before = readCpuTime("/proc", "thread-self")!;
    const deadline = performance.now() + 5000;
    while (readCpuTime("/proc", "thread-self")! < before + 20 && performance.now() < deadline);
    const grown = readCpuTime("/proc", "thread-self")! - before;
    expect(grown).toBeGreaterThanOrEqual(20);
    expect(grown).toBeLessThan(5000);
  });
});
