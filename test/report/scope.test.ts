import { readFileSync } from "node:fs";
import { encodeScope } from "@conntrail/report";
import { describe, expect, test } from "vitest";
import { CASES } from "./cases.ts";
import { makeContent, makeOwner, type Row } from "./content.ts";
import { edges, latest, panel, parseScope, processEdges } from "./scope-rules.ts";
import { SURROUNDINGS } from "./surroundings.ts";
import { text } from "./text.ts";

const { version: VERSION } = JSON.parse(
  readFileSync(new URL("../../packages/report/package.json", import.meta.url), "utf8"),
) as { version: string };
const curl = makeOwner(101, "curl");
const one = makeOwner(201, "one");
const two = makeOwner(202, "two");
const bothLocal = { flags: ["fromLocal", "toLocal"] } as const;

const scope = (rows: readonly Row[], options = {}, rest = {}) =>
  parseScope(encodeScope(makeContent(rows, rest), options));

test.each(Object.entries(CASES))("the app accepts the case %s as it is", (_, content) => {
  expect(() => parseScope(encodeScope(content))).not.toThrow();
});

describe("metadata", () => {
  test("S10 endpoints say who saw them: conntracked, procspied or both", () => {
    const report = scope([
      { from: "10.0.0.2 1", to: "10.0.0.9 80", sources: ["conntrack"] },
      { from: "10.0.0.2 2", to: "10.0.0.9 81", sources: ["sockets"] },
      { from: "10.0.0.2 3", to: "10.0.0.9 80", sources: ["conntrack", "sockets"] },
    ]);
    const seen = (id: string) => {
      const { conntracked, procspied } = latest(report, id)!;
      return { conntracked, procspied };
    };
    expect(seen(";10.0.0.2;1")).toEqual({ conntracked: "true", procspied: undefined });
    expect(seen(";10.0.0.2;2")).toEqual({ conntracked: undefined, procspied: "true" });
    expect(seen(";10.0.0.9;80")).toEqual({ conntracked: "true", procspied: "true" });
  });

  test("S12 the end whose process is known carries pid and host, and the process is a node of the host", () => {
    const report = scope([{ from: "10.0.0.2 1", to: "10.0.0.9 80", fromOwner: curl, flags: ["fromLocal"] }]);
    expect(latest(report, ";10.0.0.2;1")).toMatchObject({ pid: "101", host_node_id: "hosta;<host>" });
    expect(latest(report, ";10.0.0.9;80")).not.toHaveProperty("pid");
    expect(latest(report, ";10.0.0.9;80")).not.toHaveProperty("host_node_id");
    expect(latest(report, "hosta;101")).toMatchObject({
      pid: "101",
      name: "curl",
      cmdline: "/usr/bin/curl",
      ppid: "1",
    });
    expect(report.Process.nodes["hosta;101"]!.parents).toEqual({ host: ["hosta;<host>"] });
    expect(latest(report, "hosta;<host>")).toMatchObject({ host_name: "web-1", os: "linux", kernel_version: "6.18.0" });
  });

  test("the detail panels show what the report knows of process, container and host", () => {
    const web = makeOwner(101, "web", { containerId: "ab".repeat(32) });
    const report = scope([{ from: "10.0.0.2 1", to: "10.0.0.9 80", fromOwner: web, flags: ["fromLocal"] }]);
    expect(panel(report, "Process", "hosta;101")).toEqual(["PID: 101", "Command: /usr/bin/web", "Parent PID: 1"]);
    expect(panel(report, "Container", `${"ab".repeat(32)};<container>`)).toEqual([`ID: ${"ab".repeat(32)}`]);
    expect(panel(report, "Host", "hosta;<host>")).toEqual([
      "Kernel version: 6.18.0",
      "Uptime: 86400",
      "Hostname: web-1",
      "OS: linux",
      "Local networks: 10.0.0.0/24, 127.0.0.0/8",
      `Scope version: conntrail ${VERSION}`,
    ]);
  });

  test("the app lists the host among its probes, by id and version", () => {
    const report = scope([]);
    expect(latest(report, "hosta;<host>")).toMatchObject({
      control_probe_id: "conntrail-hosta",
      host_scope_version: `conntrail ${VERSION}`,
    });
  });

  test("a process in a container is found by it, by parent and by value; one outside of any has neither", () => {
    const id = "cd".repeat(32);
    const inside = makeOwner(101, "web", { containerId: id });
    const report = scope([{ from: "10.0.0.2 1", to: "10.0.0.9 80", fromOwner: inside, toOwner: one, ...bothLocal }]);
    expect(report.Process.nodes["hosta;101"]!.parents).toEqual({
      host: ["hosta;<host>"],
      container: [`${id};<container>`],
    });
    expect(latest(report, "hosta;101")).toMatchObject({ docker_container_id: id });
    expect(latest(report, `${id};<container>`)).toMatchObject({ host_node_id: "hosta;<host>" });
    expect(report.Process.nodes["hosta;201"]!.parents).toEqual({ host: ["hosta;<host>"] });
    expect(Object.keys(report.Container!.nodes)).toHaveLength(1);
    expect(scope([]).Container).toBeUndefined();
  });

  test("F62 a command line that was not asked for is no value", () => {
    const quiet = makeOwner(101, "web", { cmdline: "" });
    const report = scope([{ from: "10.0.0.2 1", to: "10.0.0.9 80", fromOwner: quiet, ...bothLocal }]);
    expect(panel(report, "Process", "hosta;101")).toEqual(["PID: 101", "Parent PID: 1"]);
  });

  test("F42 our own queries for names are no edge", () => {
    const rows: Row[] = [
      { from: "10.0.0.2 1", to: "10.0.0.53 53", protocol: "udp", flags: ["fromLocal", "selfTraffic"] },
      { from: "10.0.0.2 2", to: "10.0.0.53 53", protocol: "udp", flags: ["fromLocal"] },
    ];
    expect(edges(scope(rows))).toEqual([";10.0.0.2;2 -> ;10.0.0.53;53"]);
  });

  test("S12 a local end without a known process still belongs to the host, so that it is not taken for the Internet", () => {
    const report = scope([{ from: "10.0.0.2 1", to: "10.0.0.9 80", fromOwner: "no-socket", flags: ["fromLocal"] }]);
    expect(latest(report, ";10.0.0.2;1")).toMatchObject({ host_node_id: "hosta;<host>" });
    expect(latest(report, ";10.0.0.2;1")).not.toHaveProperty("pid");
  });

  test("S12 of several processes at one endpoint, an open connection's wins, then the lower pid, in any order of rows", () => {
    const rows: Row[] = [
      { from: "10.0.0.2 1", to: "10.0.0.9 80", toOwner: two, ...bothLocal },
      { from: "10.0.0.2 2", to: "10.0.0.9 80", toOwner: one, ...bothLocal },
      { from: "10.0.0.2 3", to: "10.0.0.9 80", toOwner: curl, state: "closed", ...bothLocal },
    ];
    for (const order of [rows, rows.toReversed()]) expect(latest(scope(order), ";10.0.0.9;80")!.pid).toBe("201");
  });

  test("S12 of two processes that used a port one after the other, the later one has it", () => {
    const rows: Row[] = [
      { from: "10.0.0.2 1", to: "10.0.0.9 80", fromOwner: curl, state: "closed", idleMs: 500, ...bothLocal },
      { from: "10.0.0.2 1", to: "10.0.0.9 80", fromOwner: two, state: "closed", idleMs: 100, ...bothLocal },
    ];
    for (const order of [rows, rows.toReversed()]) expect(latest(scope(order), ";10.0.0.2;1")!.pid).toBe("202");
  });

  test("S12 when a pid was used twice, the younger process is the node", () => {
    const report = scope([
      { from: "10.0.0.2 1", to: "10.0.0.9 80", fromOwner: makeOwner(7, "young", { startTicks: 900 }), ...bothLocal },
      { from: "10.0.0.2 2", to: "10.0.0.9 80", fromOwner: makeOwner(7, "old", { startTicks: 100 }), ...bothLocal },
    ]);
    expect(latest(report, "hosta;7")!.name).toBe("young");
  });

  test("S15 names are on the server's endpoint, sorted and each once, and in DNS by address", () => {
    const report = scope([
      {
        from: "10.0.0.2 1",
        to: "10.0.0.9 80",
        fromNames: ["me.example"],
        toNames: ["b.example", "a.example", "b.example"],
      },
      { from: "10.0.0.2 2", to: "10.0.0.9 81", fromNames: ["me.example"] },
    ]);
    expect(report.Endpoint.nodes[";10.0.0.9;80"]!.sets).toEqual({ reverse_dns_names: ["a.example", "b.example"] });
    expect(report.DNS).toEqual({
      "10.0.0.2": { reverse: ["me.example"] },
      "10.0.0.9": { reverse: ["a.example", "b.example"] },
    });
  });
});

test("S15 an address that has two lists of names is told once", () => {
  const rows: Row[] = ["a.example", "b.example"].map((name, i) => ({
    from: "10.0.0.2 1",
    to: `10.0.0.9 ${i + 1}`,
    toNames: [name],
  }));
  expect(text(encodeScope(makeContent(rows))).match(/"10\.0\.0\.9":\{/g)).toHaveLength(1);
});

describe("S18 ids", () => {
  const ids = (rows: readonly Row[], rest = {}) => Object.keys(scope(rows, {}, rest).Endpoint.nodes).sort();

  test("S18 ordinary addresses have no scope", () => {
    expect(ids([{ from: "10.0.0.2 1", to: "fd00::9 80" }])).toEqual([";10.0.0.2;1", ";fd00::9;80"]);
  });

  test("S18 F38 loopback is scoped by host and namespace, and by the host alone where the namespace is not known", () => {
    const from = "127.0.0.1 40000";
    expect(ids([{ from, to: "127.0.0.1 80", netns: 100 }])).toEqual([
      "hosta-100;127.0.0.1;40000",
      "hosta-100;127.0.0.1;80",
    ]);
    expect(ids([{ from: "::1 1", to: "::1 80", netns: 4_026_531_833 }])).toEqual([
      "hosta-4026531833;::1;1",
      "hosta-4026531833;::1;80",
    ]);
    expect(ids([{ from, to: "127.8.0.1 80", netns: 0 }])).toEqual(["hosta;127.0.0.1;40000", "hosta;127.8.0.1;80"]);
  });

  test("S18 F38 loopback endpoints of a thousand namespaces stay a thousand", () => {
    const rows = Array.from(
      { length: 1000 },
      (_, i): Row => ({ from: "127.0.0.1 40000", to: "127.0.0.1 80", netns: i + 1 }),
    );
    expect(ids(rows)).toHaveLength(2000);
  });

  test("S18 networks marked as the host's own are scoped by the host; its other networks are not", () => {
    const host = { ...SURROUNDINGS.host, hostScopedNetworks: ["172.17.0.0/16", "fd00:1::/33", "192.0.2.7"] };
    const rows: Row[] = [
      { from: "172.17.255.2 1", to: "172.18.0.2 80" },
      { from: "fd00:1:7fff::2 2", to: "fd00:1:8000::2 80" },
      { from: "192.0.2.7 3", to: "10.0.0.9 80" },
    ];
    expect(ids(rows, { host })).toEqual([
      ";10.0.0.9;80",
      ";172.18.0.2;80",
      ";fd00:1:8000::2;80",
      "hosta;172.17.255.2;1",
      "hosta;192.0.2.7;3",
      "hosta;fd00:1:7fff::2;2",
    ]);
  });

  test.each(["172.17.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0.0/8/8", "bridge0", "10.0.0.0/x"])(
    "S18 %s is refused as a network",
    (cidr) => {
      const host = { ...SURROUNDINGS.host, hostScopedNetworks: [cidr] };
      expect(() => encodeScope(makeContent([{ from: "10.0.0.2 1", to: "10.0.0.9 80" }], { host }))).toThrow(RangeError);
    },
  );
});

describe("counts", () => {
  test("F33 aggregated clients keep their process edges: each leads to one service, with its count", () => {
    const flags = ["aggregated", "fromLocal", "toLocal"] as const;
    const report = scope([
      { from: "10.0.0.2 0", to: "10.0.0.9 53", protocol: "udp", count: 1500, fromOwner: curl, toOwner: one, flags },
      { from: "10.0.0.2 0", to: "10.0.0.9 80", count: 2, fromOwner: two, toOwner: one, flags },
    ]);
    expect(processEdges(report)).toEqual(["hosta;101 -> hosta;201", "hosta;202 -> hosta;201"]);
    expect(latest(report, ";10.0.0.2;0-10.0.0.9:53")).toMatchObject({
      addr: "10.0.0.2",
      port: "0",
      conn_count: "1500",
    });
  });

  test("F33 the aggregated clients of a thousand services stay a thousand", () => {
    const rows = Array.from(
      { length: 1000 },
      (_, i): Row => ({ from: "10.0.0.2 0", to: `10.0.0.9 ${i + 1}`, flags: ["aggregated"] }),
    );
    expect(edges(scope(rows))).toHaveLength(1000);
    expect(Object.values(scope(rows).Endpoint.nodes).every(({ adjacency = [] }) => adjacency.length <= 1)).toBe(true);
  });

  test("F33 a port that serves several targets lists each once, in order", () => {
    const rows = ["10.0.0.9 80", "10.0.0.10 80", "10.0.0.9 80", "fd00::9 80"].map(
      (to): Row => ({ from: "10.0.0.2 1", to }),
    );
    const report = scope(rows);
    expect(report.Endpoint.nodes[";10.0.0.2;1"]!.adjacency).toEqual([";10.0.0.10;80", ";10.0.0.9;80", ";fd00::9;80"]);
    expect(latest(report, ";10.0.0.2;1")!.conn_count).toBe("4");
  });

  test("F33 one port with 60,000 targets is written in time that grows with their number only", () => {
    const rows = Array.from(
      { length: 60_000 },
      (_, i): Row => ({ from: "10.0.0.2 1", to: `10.${i >> 8}.${i & 255}.1 80`, protocol: "udp" }),
    );
    expect(edges(scope(rows))).toHaveLength(60_000);
  }, 15_000);

  test("attempts that led to nothing are no edges, unless asked for; one-way UDP is one", () => {
    const rows: Row[] = [
      { from: "10.0.0.2 1", to: "10.0.0.9 80", state: "failed" },
      { from: "10.0.0.2 2", to: "10.0.0.9 80", state: "opening" },
      { from: "10.0.0.2 3", to: "10.0.0.9 80", state: "unreplied" },
      { from: "10.0.0.2 4", to: "10.0.0.9 514", state: "unreplied", protocol: "udp" },
      { from: "10.0.0.2 5", to: "10.0.0.9 80", state: "closed" },
    ];
    expect(edges(scope(rows))).toEqual([";10.0.0.2;4 -> ;10.0.0.9;514", ";10.0.0.2;5 -> ;10.0.0.9;80"]);
    expect(edges(scope(rows, { attempts: true }))).toHaveLength(5);
  });

  test("F43 a limit is told as sampling, in connections", () => {
    const rows: Row[] = [5, 2, 1].map((count, i) => ({ from: `10.0.0.2 ${i + 1}`, to: "10.0.0.9 80", count }));
    const report = scope(rows, { limit: 1 });
    expect(edges(report)).toHaveLength(1);
    expect(report.Sampling).toEqual({ Count: 5, Total: 8 });
    expect(scope(rows, { limit: 3 })).not.toHaveProperty("Sampling");
  });
});

test("values that can change carry the time of the report, constant ones do not", () => {
  const { nodes } = parseScope(encodeScope(CASES.nat!)).Endpoint;
  const timestamp = "2026-01-15T12:00:00.000Z";
  expect(nodes[";203.0.113.5;80"]!.latest).toMatchObject({ pid: { timestamp }, copy_of: { timestamp } });
  expect(nodes[";203.0.113.5;80"]!.latest!.addr).toEqual({ value: "203.0.113.5" });
});

test("S13 where nobody knows who opened it, the end with the lower port is taken for the server, and its owner moves with it", () => {
  const unknown = { evidence: "none", confidence: "none" } as const;
  const report = scope([
    { from: "10.0.0.2 80", to: "10.0.0.9 5000", fromOwner: one, flags: ["fromLocal"], ...unknown },
    { from: "10.0.0.2 443", to: "10.0.0.9 443", ...unknown },
  ]);
  expect(edges(report)).toEqual([";10.0.0.2;443 -> ;10.0.0.9;443", ";10.0.0.9;5000 -> ;10.0.0.2;80"]);
  expect(latest(report, ";10.0.0.2;80")).toMatchObject({ pid: "201" });
  expect(latest(report, ";10.0.0.9;5000")).not.toHaveProperty("pid");
});
