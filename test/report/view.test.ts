import { inspect } from "node:util";
import { packReport, unpackReport, viewReport } from "@conntrail/report";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyContent } from "./any-content.ts";
import { CASES } from "./cases.ts";
import { END_MS, makeContent, makeOwner, type Row } from "./content.ts";

describe("S2 the view of a report", () => {
  const report = viewReport(CASES.nat!);

  test("S2 gives every connection at the granularity of address and port", () => {
    const ends = [...report.connections()].map(
      ({ from, to }) => `${from.address} ${from.port} ${to.address} ${to.port}`,
    );
    expect(ends.slice(0, 2)).toEqual(["10.0.0.2 41000 10.0.0.9 8080", "10.1.0.2 41001 192.0.2.9 443"]);
    expect(report.length).toBe(5);
  });

  test("reads each fact at the moment of asking", () => {
    const { from, to, direction, nat } = report.connection(0);
    expect([from.process, from.pid, from.local, from.owner?.ppid]).toEqual(["curl", 101, true, 100]);
    expect([to.process, to.pid, to.owner, to.ownerReason, to.names]).toEqual([
      null,
      null,
      undefined,
      "not-local",
      ["backend.example"],
    ]);
    expect([direction.evidence, direction.confidence, nat?.kind]).toEqual(["conntrack", "certain", "dnat"]);
  });

  test("has times as text and as numbers", () => {
    const { firstSeen, firstSeenMs } = report.connection(0);
    expect([firstSeen, firstSeenMs]).toEqual(["2026-01-15T11:59:55.000Z", END_MS - 5000]);
    expect(report.window).toEqual({ start: "2026-01-15T11:59:59.000Z", end: "2026-01-15T12:00:00.000Z" });
  });

  test.each([-1, 5, 0.5, Number.NaN])("has no connection %d", (index) => {
    expect(() => report.connection(index)).toThrow(RangeError);
  });

  test("shows its facts on the console", () => {
    expect(inspect(report.connection(0), { depth: 3 })).toContain("address: '10.0.0.2'");
    expect(inspect(report.connection(0).from)).toContain("process: 'curl'");
    expect(inspect(report)).toContain("length: 5");
  });
});

test("health has the sum of events, and the counts by type beside it", () => {
  const { health } = viewReport(CASES.empty!);
  expect(health.conntrack).toMatchObject({ events: 35, eventsByType: { new: 10, update: 20, destroy: 5 } });
  expect(health.sockets.ageMs).toBe(200);
  expect(viewReport(CASES["in-poor-health"]!).health).toMatchObject({
    conntrack: { completeSince: null, lost: null },
    sockets: { ageMs: null, advice: "Processes of other users need CAP_SYS_PTRACE." },
  });
});

describe("a packed report", () => {
  const cross = (content: Parameters<typeof packReport>[0]) => {
    const { message, transfer } = packReport(content);
    return unpackReport(structuredClone(message, { transfer }));
  };

  test("says after the transfer what it said before, whatever it holds", () => {
    fc.assert(
      fc.property(anyContent, (content) => {
        const before = JSON.stringify(viewReport(content));
        expect(JSON.stringify(cross(content))).toBe(before);
      }),
    );
  });

  test("takes the columns with it: the sender's are empty", () => {
    const content = makeContent([{ from: "10.0.0.2 1", to: "10.0.0.9 80" }]);
    cross(content);
    expect(content.columns.originalPorts).toHaveLength(0);
  });

  test("leaves unused room behind", () => {
    const roomy = makeContent([
      { from: "10.0.0.2 1", to: "10.0.0.9 80" },
      ...Array<Row>(999).fill({ from: "10.0.0.2 2", to: "10.0.0.9 80" }),
    ]);
    roomy.columns.length = 1;
    const { columns } = packReport(roomy).message;
    expect([
      columns.originalPorts.length,
      columns.originalSource.length,
      columns.firstSeenMs.buffer.byteLength,
    ]).toEqual([1, 4, 8]);
  });

  test("can be sent when columns share a buffer", () => {
    const content = makeContent([{ from: "10.0.0.2 1", to: "10.0.0.9 80", zone: 5, mark: 6 }]);
    const shared = new ArrayBuffer(8);
    const zone = new Uint16Array(shared, 0, 1);
    const mark = new Uint32Array(shared, 4, 1);
    zone.set([5]);
    mark.set([6]);
    const report = cross({ ...content, columns: { ...content.columns, zone, mark } });
    expect([report.connection(0).zone, report.connection(0).mark]).toEqual([5, 6]);
  });

  test("parses a process only when somebody asks for it, and once", () => {
    const owners = Array.from({ length: 3 }, (_, i) => makeOwner(i + 1, `p${i + 1}`));
    const rows = owners.map((fromOwner, i): Row => ({ from: `10.0.0.2 ${i + 1}`, to: "10.0.0.9 80", fromOwner }));
    const { message, transfer } = packReport(makeContent(rows));
    const received = structuredClone(message, { transfer });
    received.owners.bytes.fill(0, 0, received.owners.offsets[1]); // the first process cannot be parsed any more
    const report = unpackReport(received);
    expect(report.connection(1).from.process).toBe("p2");
    expect(report.connection(1).from.owner).toBe(report.connection(1).from.owner);
    expect(() => report.connection(0).from.process).toThrow(SyntaxError);
  });
});
