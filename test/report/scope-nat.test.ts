import { createScopeAliases, encodeScope } from "@conntrail/report";
import { describe, expect, test } from "vitest";
import { END_MS, makeContent, makeOwner, type Row } from "./content.ts";
import { edges, hostEdges, latest, parseScope, processEdges } from "./scope-rules.ts";
import { SURROUNDINGS } from "./surroundings.ts";

const curl = makeOwner(101, "curl");
const one = makeOwner(201, "one");
const two = makeOwner(202, "two");
const bothLocal = { flags: ["fromLocal", "toLocal"] } as const;
const transit = { flags: ["transit"] } as const;

const scope = (rows: readonly Row[]) => parseScope(encodeScope(makeContent(rows)));

describe("translated connections", () => {
  test("S9 a connection to a virtual address is an edge from client to real server, for a change of port alone too", () => {
    const report = scope([
      {
        from: "10.0.0.2 41000",
        to: "10.0.0.9 8080",
        visibleTo: "10.96.0.1 80",
        nat: "dnat",
        state: "closed",
        ageMs: 5,
      },
      { from: "10.0.0.2 41001", to: "10.0.0.9 8081", visibleTo: "10.0.0.9 80", nat: "dnat" },
      { from: "fd00::2 41000", to: "fd00::9 8080", visibleTo: "fd00:96::1 80", nat: "dnat" },
    ]);
    expect(edges(report)).toEqual([
      ";10.0.0.2;41000 -> ;10.0.0.9;8080",
      ";10.0.0.2;41001 -> ;10.0.0.9;8081",
      ";fd00::2;41000 -> ;fd00::9;8080",
    ]);
  });

  test("S14 the virtual endpoint is a copy of the real one with all its metadata, and its own address and port", () => {
    const rows: Row[] = [
      {
        from: "10.0.0.2 41000",
        to: "10.0.0.9 8080",
        visibleTo: "10.96.0.1 80",
        nat: "dnat",
        toOwner: one,
        toNames: ["one.example"],
        ...bothLocal,
      },
    ];
    const report = scope(rows);
    const { addr, port, ...metadata } = latest(report, ";10.0.0.9;8080")!;
    expect([addr, port]).toEqual(["10.0.0.9", "8080"]);
    expect(metadata).toMatchObject({
      pid: "201",
      conntracked: "true",
      procspied: "true",
      host_node_id: "hosta;<host>",
    });
    expect(latest(report, ";10.96.0.1;80")).toEqual({
      ...metadata,
      addr: "10.96.0.1",
      port: "80",
      copy_of: ";10.0.0.9;8080",
    });
    expect(report.Endpoint.nodes[";10.96.0.1;80"]!.sets).toEqual({ reverse_dns_names: ["one.example"] });
  });

  test("S14 the address that a source was translated to is a copy of the client", () => {
    const report = scope([
      {
        from: "10.1.0.2 41001",
        to: "192.0.2.9 443",
        visibleFrom: "198.51.100.1 61001",
        nat: "snat",
        fromOwner: curl,
        ...bothLocal,
      },
    ]);
    expect(latest(report, ";198.51.100.1;61001")).toMatchObject({ copy_of: ";10.1.0.2;41001", pid: "101" });
    expect(edges(report)).toEqual([";10.1.0.2;41001 -> ;192.0.2.9;443"]);
  });

  test("S14 an endpoint that is an end of a connection itself does not become a copy", () => {
    const report = scope([
      { from: "10.0.0.2 41000", to: "10.0.0.9 8080", visibleTo: "10.0.0.9 80", nat: "dnat" },
      { from: "10.0.0.3 41000", to: "10.0.0.9 80" },
    ]);
    expect(latest(report, ";10.0.0.9;80")).not.toHaveProperty("copy_of");
  });

  test("F33 every connection is one edge, however often it was translated", () => {
    const rows = Array.from({ length: 50 }, (_, i): Row => {
      const plain = { from: `10.0.0.2 ${41_000 + i}`, to: "10.0.0.9 8080" };
      if (i % 4 === 0) return plain;
      const visible = { visibleFrom: `10.0.0.1 ${61_000 + i}`, visibleTo: "10.96.0.1 80" };
      return { ...plain, ...visible, nat: "dnat+snat" };
    });
    expect(edges(scope(rows))).toHaveLength(rows.length);
  });
});

describe("F32 one virtual address, two backends, two clients", () => {
  const via = { visibleTo: "10.96.0.1 80", nat: "dnat" } as const;
  const toOne = (client: string): Row => ({
    from: client,
    to: "10.0.1.1 8080",
    ...via,
    fromOwner: curl,
    toOwner: one,
    ...bothLocal,
  });
  const toTwo = (client: string): Row => ({
    from: client,
    to: "10.0.1.2 8080",
    ...via,
    fromOwner: curl,
    toOwner: two,
    ...bothLocal,
  });

  test("F32 each client's edge leads to the backend that served it", () => {
    const report = scope([
      toOne("10.0.0.2 1001"),
      toTwo("10.0.0.3 1002"),
      toTwo("10.0.0.2 1003"),
      toOne("10.0.0.3 1004"),
    ]);
    expect(edges(report)).toEqual([
      ";10.0.0.2;1001 -> ;10.0.1.1;8080",
      ";10.0.0.2;1003 -> ;10.0.1.2;8080",
      ";10.0.0.3;1002 -> ;10.0.1.2;8080",
      ";10.0.0.3;1004 -> ;10.0.1.1;8080",
    ]);
    expect(processEdges(report)).toEqual(["hosta;101 -> hosta;201", "hosta;101 -> hosta;202"]);
  });

  test("F32 the virtual address is a copy of the lowest backend whatever the order of rows, and claims no process of either", () => {
    const forward = scope([toOne("10.0.0.2 1001"), toTwo("10.0.0.3 1002")]);
    const backward = scope([toTwo("10.0.0.3 1002"), toOne("10.0.0.2 1001")]);
    for (const report of [forward, backward]) {
      const virtual = latest(report, ";10.96.0.1;80")!;
      expect(virtual).toMatchObject({ copy_of: ";10.0.1.1;8080", host_node_id: "hosta;<host>" });
      expect(virtual).not.toHaveProperty("pid");
    }
  });

  test("F32 the lowest is decided by the bytes of the address, not by its text", () => {
    const rows: Row[] = ["10.0.1.10 80", "10.0.1.9 80", "10.0.1.9 443"].map((to, i) => ({
      from: `10.0.0.2 ${i}`,
      to,
      ...via,
    }));
    expect(latest(scope(rows), ";10.96.0.1;80")!.copy_of).toBe(";10.0.1.9;80");
  });

  test("F32 short connections that take turns do not make the copy swing from report to report", () => {
    const aliases = createScopeAliases();
    const copies = [toOne, toTwo, toTwo, toOne, toTwo].map((row, tick) => {
      const endMs = END_MS + tick * 3000;
      const content = makeContent([row("10.0.0.2 1001")], { window: { startMs: endMs - 3000, endMs } });
      return latest(parseScope(encodeScope(content, { aliases })), ";10.96.0.1;80")!;
    });
    expect(copies.map(({ copy_of }) => copy_of)).toEqual(Array(5).fill(";10.0.1.1;8080"));
    expect(copies.map(({ pid }) => pid)).toEqual(["201", ...Array(4).fill(undefined)]);
  });

  test("F32 a backend not seen for the keeping time is forgotten", () => {
    const aliases = createScopeAliases({ keepMs: 10_000 });
    const at = (row: Row, endMs: number) =>
      latest(
        parseScope(encodeScope(makeContent([row], { window: { startMs: endMs, endMs } }), { aliases })),
        ";10.96.0.1;80",
      )!;
    at(toOne("10.0.0.2 1"), END_MS);
    expect(at(toTwo("10.0.0.2 2"), END_MS + 10_000).copy_of).toBe(";10.0.1.1;8080");
    expect(at(toTwo("10.0.0.2 2"), END_MS + 10_001)).toMatchObject({ copy_of: ";10.0.1.2;8080", pid: "202" });
  });

  test("F32 the memory holds no more virtual addresses than it may, and counts those it let go", () => {
    const aliases = createScopeAliases({ capacity: 3 });
    const rows = Array.from(
      { length: 5 },
      (_, i): Row => ({ from: `10.0.0.2 ${i + 1}`, to: "10.0.1.1 80", visibleTo: `10.96.0.${i} 80`, nat: "dnat" }),
    );
    encodeScope(makeContent(rows), { aliases });
    expect([aliases.size, aliases.evicted]).toEqual([3, 2]);
  });

  test("F32 a router between client and server gives the app one target, by the copy", () => {
    // The client's own host knows only the virtual address; the app merges both reports.
    const { Endpoint } = scope([{ from: "10.0.0.2 1001", to: "10.0.1.1 8080", ...via, ...transit }]);
    expect(Endpoint.nodes[";10.96.0.1;80"]!.latest!.copy_of!.value).toBe(
      Endpoint.nodes[";10.0.0.2;1001"]!.adjacency![0],
    );
  });
});

describe("several hosts in one app", () => {
  const at = (id: string, rows: readonly Row[], localNetworks: readonly string[]) =>
    parseScope(encodeScope(makeContent(rows, { host: { ...SURROUNDINGS.host, id, localNetworks } })));
  const NETWORKS = { client: ["10.1.0.0/24"], router: ["10.1.0.0/24", "10.2.0.0/24"], server: ["10.2.0.0/24"] };
  const client = (port: number): Row => ({
    from: `10.1.0.2 ${port}`,
    to: "203.0.113.9 80",
    fromOwner: curl,
    flags: ["fromLocal"],
  });
  const through = (port: number, backend: number): Row => ({
    from: `10.1.0.2 ${port}`,
    to: `10.2.0.${backend} 8080`,
    visibleFrom: `10.2.0.1 ${port + 10_000}`,
    visibleTo: "203.0.113.9 80",
    nat: "dnat+snat",
    ...transit,
  });
  const served = (port: number, backend: number): Row => ({
    from: `10.2.0.1 ${port + 10_000}`,
    to: `10.2.0.${backend} 8080`,
    toOwner: backend === 2 ? one : two,
    flags: ["toLocal"],
  });

  test("F31 a virtual address that only the router knows of is not taken for the Internet", () => {
    const clientHost = at("client", [client(1001)], NETWORKS.client);
    const router = at("router", [through(1001, 2)], NETWORKS.router);
    const serverHost = at("server", [served(1001, 2)], NETWORKS.server);

    expect(processEdges(clientHost)).toEqual(["client;101 -> The Internet"]);
    expect(processEdges(clientHost, router, serverHost)).toEqual(["client;101 -> server;201"]);
    expect(hostEdges(clientHost, router, serverHost)).toEqual(["client;<host> -> server;<host>"]);
  });

  test("F31 an address that is really there, and translated by others, stays in the Internet", () => {
    const direct: Row = { from: "10.1.0.3 5000", to: "203.0.113.9 443", fromOwner: one, flags: ["fromLocal"] };
    const router = at("router", [through(1001, 2), direct], NETWORKS.router);
    expect(router.Host.nodes["router;<host>"]!.sets!.local_networks).toEqual([...NETWORKS.router]);
    expect(processEdges(router)).toContain("router;201 -> The Internet");
  });

  test("F32 each backend behind one virtual address has its process edge, seen from three hosts", () => {
    const ports = [1001, 1002, 1003, 1004];
    const backendOf = (port: number): number => 2 + (port % 2);
    const reports = [
      at("client", ports.map(client), NETWORKS.client),
      at(
        "router",
        ports.map((port) => through(port, backendOf(port))),
        NETWORKS.router,
      ),
      at(
        "server-1",
        ports.filter((port) => backendOf(port) === 2).map((port) => served(port, 2)),
        NETWORKS.server,
      ),
      at(
        "server-2",
        ports.filter((port) => backendOf(port) === 3).map((port) => served(port, 3)),
        NETWORKS.server,
      ),
    ];
    expect(processEdges(...reports)).toEqual(["client;101 -> server-1;201", "client;101 -> server-2;202"]);
  });

  test("F32 backends of two virtual addresses that share one are copies of the lowest of them all", () => {
    const rows: Row[] = [
      { from: "10.1.0.2 1", to: "10.2.0.4 8080", visibleTo: "203.0.113.8 80", nat: "dnat" },
      { from: "10.1.0.2 2", to: "10.2.0.3 8080", visibleTo: "203.0.113.8 80", nat: "dnat" },
      { from: "10.1.0.2 3", to: "10.2.0.3 8080", visibleTo: "203.0.113.9 80", nat: "dnat" },
      { from: "10.1.0.2 4", to: "10.2.0.2 8080", visibleTo: "203.0.113.9 80", nat: "dnat" },
    ];
    for (const order of [rows, rows.toReversed()]) {
      const report = scope(order);
      const copyOf = (id: string): string | undefined => latest(report, id)!.copy_of;
      expect([";10.2.0.3;8080", ";10.2.0.4;8080", ";203.0.113.8;80", ";203.0.113.9;80"].map(copyOf)).toEqual(
        Array(4).fill(";10.2.0.2;8080"),
      );
      expect(copyOf(";10.2.0.2;8080")).toBeUndefined();
    }
  });
});
