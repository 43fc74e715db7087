import { encodeJson, viewReport } from "@conntrail/report";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyContent } from "./any-content.ts";
import { CASES } from "./cases.ts";
import { END_MS, makeContent, makeOwner, type Row } from "./content.ts";
import { text } from "./text.ts";

const parse = (bytes: Uint8Array): Record<string, unknown> => JSON.parse(text(bytes)) as Record<string, unknown>;

test("any columns encode to exactly what JSON.stringify makes of the view", () => {
  fc.assert(
    fc.property(anyContent, (content) => {
      expect(text(encodeJson(content))).toBe(JSON.stringify(viewReport(content)));
    }),
    { numRuns: 300 },
  );
});

test.each(Object.entries(CASES))("the case %s is one line, and the same when pretty", (_, content) => {
  const line = text(encodeJson(content));
  expect(line).not.toContain("\n");
  expect(line).toBe(JSON.stringify(viewReport(content)));
  expect(text(encodeJson(content, { pretty: true }))).toBe(JSON.stringify(viewReport(content), null, 2));
});

test("a report through the view gives the same bytes as its data", () => {
  const content = CASES.plain!;
  expect(encodeJson(viewReport(content))).toEqual(encodeJson(content));
});

test("the members of the contract stand first and in its order", () => {
  const report = parse(encodeJson(CASES.nat!)) as {
    connections: Record<string, object>[];
    health: Record<string, object>;
  };
  const first = (value: object, count: number): string[] => Object.keys(value).slice(0, count);
  expect(Object.keys(report)).toEqual(["schema", "sequence", "host", "window", "health", "connections", "processes"]);
  expect(first(report.health, 3)).toEqual(["conntrack", "sockets", "names"]);
  expect(first(report.health.conntrack!, 8)).toEqual([
    "state",
    "reason",
    "completeSince",
    "events",
    "lost",
    "overruns",
    "resyncs",
    "flows",
  ]);
  expect(first(report.health.sockets!, 5)).toEqual(["state", "reason", "ageMs", "sockets", "attributed"]);
  expect(first(report.health.names!, 4)).toEqual(["state", "reason", "cached", "pending"]);
  const connection = report.connections[0]!;
  expect(first(connection, 12)).toEqual([
    "protocol",
    "family",
    "netns",
    "from",
    "to",
    "direction",
    "sources",
    "state",
    "count",
    "nat",
    "firstSeen",
    "lastSeen",
  ]);
  expect(first(connection.from!, 7)).toEqual(["address", "port", "local", "pid", "process", "names", "ownerReason"]);
  expect(connection.nat).toEqual({
    kind: "dnat",
    visible: { from: { address: "10.0.0.2", port: 41_000 }, to: { address: "10.96.0.1", port: 80 } },
  });
});

test("S9 from and to are the real ends, and nat.visible is what each side saw instead", () => {
  const { connections } = parse(encodeJson(CASES.nat!)) as { connections: { from: object; to: object; nat: object }[] };
  expect(connections[2]).toMatchObject({
    from: { address: "10.1.0.3", port: 41_002 },
    to: { address: "10.2.0.9", port: 8443 },
    nat: {
      kind: "dnat+snat",
      visible: { from: { address: "10.2.0.1", port: 61_002 }, to: { address: "10.96.0.2", port: 443 } },
    },
  });
});

test("an ICMP connection has the id at one end and type and code at the other", () => {
  const { connections } = parse(encodeJson(CASES.plain!)) as { connections: object[] };
  expect(connections[4]).toMatchObject({ protocol: "icmp", from: { port: 77 }, to: { port: 2048 } });
});

test("a time or a namespace that is not known is null", () => {
  const content = makeContent([{ from: "10.0.0.2 1", to: "10.0.0.9 80", ageMs: END_MS, netns: 0 }]);
  const { connections } = parse(encodeJson(content)) as { connections: object[] };
  expect(connections[0]).toMatchObject({ firstSeen: null, netns: null });
});

test("the processes spoken of are told once each, the others not at all", () => {
  const shared = makeOwner(5, "shared");
  const rows: Row[] = [1, 2, 3].map((port) => ({ from: `10.0.0.2 ${port}`, to: "10.0.0.9 80", fromOwner: shared }));
  const content = makeContent(rows);
  const report = parse(encodeJson({ ...content, owners: [...content.owners, makeOwner(6, "silent")] }));
  expect(report.processes).toEqual([
    {
      pid: 5,
      startTicks: 1005,
      ppid: 1,
      process: "shared",
      cmdline: "/usr/bin/shared",
      cgroup: null,
      containerId: null,
    },
  ]);
});

describe("F43 a limit", () => {
  const rows: Row[] = [5, 2, 1].map((count, i) => ({ from: `10.0.0.2 ${i + 1}`, to: "10.0.0.9 80", count }));

  test("F43 leaves out the rows after it and counts them exactly", () => {
    for (const pretty of [false, true]) {
      const report = parse(encodeJson(makeContent(rows), { limit: 1, pretty }));
      expect(report.connections).toHaveLength(1);
      expect(report.elided).toEqual({ rows: 2, connections: 3 });
    }
  });

  test("F43 as long as the report leaves nothing out and says nothing", () => {
    expect(parse(encodeJson(makeContent(rows), { limit: 3 }))).not.toHaveProperty("elided");
  });

  test("F43 of zero keeps only the counts", () => {
    expect(parse(encodeJson(makeContent(rows), { limit: 0, pretty: true }))).toMatchObject({
      connections: [],
      processes: [],
      elided: { rows: 3, connections: 8 },
    });
  });

  test.each([-1, 1.5, Number.NaN])("F43 of %d is refused", (limit) => {
    expect(() => encodeJson(makeContent(rows), { limit })).toThrow(RangeError);
  });
});

test("F43 a pid is a number or null with a reason beside it", () => {
  const { connections } = parse(encodeJson(CASES.unknown!)) as { connections: { from: object; to: object }[] };
  const ends = connections.flatMap(({ from, to }) => [from, to]) as {
    pid: number | null;
    ownerReason: string | null;
  }[];
  for (const { pid, ownerReason } of ends) {
    if (pid === null) expect(ownerReason).not.toBeNull();
    else expect(Number.isInteger(pid)).toBe(true);
  }
  expect(ends.map(({ ownerReason }) => ownerReason)).toContain("listener");
});

test("the bytes begin at the first byte of a buffer of their own, so that they can be transferred", () => {
  const bytes = encodeJson(CASES.plain!);
  expect(bytes.byteOffset).toBe(0);
  const copy = structuredClone(bytes, { transfer: [bytes.buffer] });
  expect(text(copy)).toBe(JSON.stringify(viewReport(CASES.plain!)));
});
