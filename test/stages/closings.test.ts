/** Every ended connection is in exactly one report, whatever happens to it, and everything is bounded. */
import { FLOW, FLOW_CHANGE, type Snapshot } from "@conntrail/model";
import { describe, expect, test } from "vitest";
import { batch, destroyed, evicted, type FlowFixture, flow, HOST, swept } from "./flow-fixture.ts";
import { connections, lines, only, run, tick } from "./snapshot-view.ts";
import { listener, namespace, owner, socket, table } from "./socket-fixture.ts";

const CALL = flow("10.0.0.1:40000 > 10.0.0.2:80");
const LINE = "tcp 10.0.0.1:40000 > 10.0.0.2:80";

describe("S6 an ended flow", () => {
  test("S6 is active until TIME_WAIT, then in exactly one more report", () => {
    const reports = run([
      batch(1000, [CALL]),
      tick(2000),
      batch(2500, [CALL.state("finWait")]),
      batch(2600, [CALL.state("timeWait").seen(1000, 2600)]),
      tick(3000),
      tick(4000),
    ]);
    expect(reports.map(lines)).toEqual([[`${LINE} established`], [`${LINE} closed`], []]);
    expect(only(reports[1]!).lastSeenMs).toBe(2600);
  });

  test("S6 that was born and died inside one batch is told once", () => {
    const reports = run([batch(1000, [destroyed(CALL)]), tick(2000), tick(3000)]);
    expect(reports.map(lines)).toEqual([[`${LINE} closed`], []]);
  });

  test("is told once although its DESTROY comes after its TIME_WAIT", () => {
    const reports = run([
      batch(1000, [CALL.state("timeWait")]),
      batch(1100, [destroyed(CALL.state("timeWait"))]),
      tick(2000),
      tick(3000),
    ]);
    expect(reports.map(lines)).toEqual([[`${LINE} closed`], []]);
  });

  test("is told once when its socket was seen by a scan that stamped its table after the end", () => {
    const facts = { namespaces: [namespace(HOST, "10.0.0.1")] };
    const reports = run([
      table(1030, [socket("10.0.0.1:40000 > 10.0.0.2:80")], { ...facts, startedMs: 1010 }),
      table(1060, [], { ...facts, startedMs: 1050 }),
      batch(1200, [destroyed(CALL.seen(1000, 1018))]),
      tick(2000),
      tick(3000),
    ]);
    expect(reports.map(lines)).toEqual([[`${LINE} closed`], []]);
  });

  test("is told once, as the last report, when the stream ends", () => {
    const reports = run([batch(1000, [CALL]), tick(2000), batch(2100, [destroyed(CALL)]), tick(2200, true)]);
    expect(reports.map(lines)).toEqual([[`${LINE} established`], [`${LINE} closed`]]);
  });
});

describe("F27 a tuple that is used again", () => {
  test("F27 is another connection: both are told, the first one as closed", () => {
    const again = CALL.seen(1500);
    const reports = run([
      batch(1000, [CALL]),
      batch(1600, [destroyed(CALL.seen(1000, 1400)), again]),
      tick(2000),
      batch(2500, [destroyed(again)]),
      tick(3000),
      tick(4000),
    ]);
    expect(reports.map(lines)).toEqual([[`${LINE} closed`, `${LINE} established`], [`${LINE} closed`], []]);
  });

  test("F27 without the end of the first one in between, the first one ended unseen", () => {
    const reports = run([batch(1000, [CALL]), tick(1500), batch(1600, [CALL.seen(1550)]), tick(2000), tick(3000)]);
    expect(reports.map(lines)).toEqual([
      [`${LINE} established`],
      [`${LINE} closed`, `${LINE} established`],
      [`${LINE} established`],
    ]);
    expect(connections(reports[1]!).find((row) => row.state === "closed")!.flags).toContain("endUnseen");
  });
});

describe("F4 loss", () => {
  test("F4 a flow that the ingest had no room for is not declared closed, but counted", () => {
    const reports = run([batch(1000, [CALL]), tick(2000), batch(2500, [evicted(CALL)]), tick(3000)]);
    expect(reports.map(lines)).toEqual([[`${LINE} established`], []]);
    expect(reports[1]!.health.merge.dropped).toBe(1);
  });

  test("F4 a restarted ingest closes only what its first complete dump no longer has", () => {
    const other = flow("10.0.0.1:40001 > 10.0.0.2:80");
    const reports = run([
      batch(1000, [CALL, other]),
      tick(2000),
      batch(2500, [], { epoch: 2, health: { completeSinceMs: null } }),
      tick(3000),
      batch(3500, [CALL.fromDump().seen(3400)], { epoch: 2, health: { completeSinceMs: 3400 } }),
      tick(4000),
      tick(5000),
    ]);
    expect(reports.map(lines)).toEqual([
      [`${LINE} established`, "tcp 10.0.0.1:40001 > 10.0.0.2:80 established"],
      [`${LINE} established`, "tcp 10.0.0.1:40001 > 10.0.0.2:80 established"],
      [`${LINE} established`, "tcp 10.0.0.1:40001 > 10.0.0.2:80 closed"],
      [`${LINE} established`],
    ]);
    const [kept, ended] = connections(reports[2]!);
    expect(kept).toMatchObject({ firstSeenMs: 1000, evidence: "conntrack", confidence: "certain" });
    expect(ended!.flags).toContain("endUnseen");
  });

  test("F4 a flow that a restarted ingest learns of by an event, ahead of its dump, is the one it was", () => {
    const again = CALL.beganUnseen().seen(2400);
    const reports = run([
      batch(1000, [CALL]),
      tick(2000),
      batch(2500, [again], { epoch: 2, health: { completeSinceMs: null } }),
      tick(3000),
      batch(3500, [again.state("timeWait")], { epoch: 2, health: { completeSinceMs: 3400 } }),
      tick(4000),
      tick(5000),
    ]);
    expect(reports.map(lines)).toEqual([[`${LINE} established`], [`${LINE} established`], [`${LINE} closed`], []]);
    expect(connections(reports[2]!)[0]).toMatchObject({ firstSeenMs: 1000, confidence: "certain" });
  });

  test("F4 a restarted ingest does not tell again what it finds in TIME_WAIT", () => {
    const over = CALL.state("timeWait");
    const reports = run([
      batch(1000, [over]),
      tick(2000),
      batch(3500, [over.fromDump().seen(3400)], { epoch: 2 }),
      tick(4000),
    ]);
    expect(reports.map(lines)).toEqual([[`${LINE} closed`], []]);
  });

  test("the first life of an ingest may begin with closed flows: they are told", () => {
    const reports = run([batch(1000, [CALL.state("timeWait").fromDump()], { epoch: 3 }), tick(2000)]);
    expect(reports.map(lines)).toEqual([[`${LINE} closed`]]);
  });
});

test("F9 after many losses and resyncs a report shows the flows of the last dump, and no others", () => {
  const row = (i: number): FlowFixture => flow(`10.0.0.${i % 200}:${10_000 + i} > 10.0.1.1:80`).id(i + 1);
  const all = Array.from({ length: 2000 }, (_, i) => i);
  const rounds = Array.from({ length: 20 }, (_, round) => {
    const nowMs = 1000 * (round + 1);
    const before = all.filter((i) => round > 0 && i % 20 < round);
    const kept = before.filter((i) => i % 3 !== round % 3);
    const found = all.filter((i) => i % 20 === round);
    const resync = [...before.filter((i) => !kept.includes(i)).map((i) => swept(row(i))), ...found.map(row)];
    return { inputs: [batch(nowMs, resync), tick(nowMs + 10)], found, lost: before.filter((i) => !kept.includes(i)) };
  });
  const tracked = new Set<number>();
  const reports = run(rounds.flatMap(({ inputs }) => inputs));
  rounds.forEach(({ found, lost }, round) => {
    for (const i of lost) tracked.delete(i);
    for (const i of found) tracked.add(i);
    const shown = lines(reports[round]!).filter((line) => line.endsWith("established"));
    expect(shown).toEqual(
      [...tracked].map((i) => `tcp 10.0.0.${i % 200}:${10_000 + i} > 10.0.1.1:80 established`).sort(),
    );
  });
});

describe("bounds", () => {
  test("flows beyond the capacity are turned away, counted once each, and told when they end", () => {
    const flows = [0, 1, 2].map((i) => flow(`10.0.0.1:${40_000 + i} > 10.0.0.2:80`));
    const last = flows[2]!;
    const reports = run(
      [
        batch(1000, flows),
        batch(1100, flows),
        batch(1200, flows),
        tick(2000),
        batch(2500, [destroyed(last)]),
        tick(3000),
      ],
      { capacity: 2 },
    );
    expect(reports.map((report) => report.columns.length)).toEqual([2, 3]);
    expect(reports.map((report) => report.health.merge.dropped)).toEqual([1, 1]);
    expect(lines(reports[1]!)).toContain("tcp 10.0.0.1:40002 > 10.0.0.2:80 closed");
  });

  test("F8 a million closes between two ticks stay within the cap, and none is missing from the count", {
    timeout: 60_000,
  }, () => {
    const clients = 10;
    const perBatch = 50_000;
    const inputs = Array.from({ length: 20 }, (_, i) => closedBatch(1000 + i, i * perBatch, perBatch, clients));
    const [report] = run([...inputs, tick(2000)], { maxClosedPerReport: 1000 });
    expect(report!.columns.length).toBe(1000 + clients);
    expect(total(report!)).toBe(1_000_000);
    expect(report!.health.merge).toEqual({ aggregated: 999_000, dropped: 0 });
  });

  test("F8 what the map of aggregated rows cannot hold is counted as dropped", () => {
    const flows = Array.from({ length: 10 }, (_, i) => destroyed(flow(`10.0.0.${i + 1}:40000 > 10.0.1.1:80`)));
    const [report] = run([batch(1000, flows), tick(2000)], { maxClosedPerReport: 3, maxAggregatesPerReport: 4 });
    expect(report!.columns.length).toBe(7);
    expect(report!.health.merge).toEqual({ aggregated: 4, dropped: 3 });
  });

  test("aggregated rows keep who talked to which service, how it ended, and add up times and counters", () => {
    const gone = (port: number, at: number): FlowFixture =>
      flow(`10.0.0.1:${port} > 10.9.9.9:80`)
        .dnat("10.0.0.2:8080")
        .seen(at, at + 10)
        .counted(1, 100, 2, 200);
    const refused = flow("10.0.0.1:50000 > 10.9.9.9:80").dnat("10.0.0.2:8080").refused();
    const [report] = run(
      [
        batch(1000, [destroyed(gone(1, 900)), destroyed(gone(2, 910)), destroyed(gone(3, 905)), refused]),
        table(1100, [listener("0.0.0.0:8080").of(owner(7, "nginx"))], {
          namespaces: [namespace(HOST, "10.0.0.2")],
          startedMs: 900,
        }),
        tick(2000),
      ],
      { maxClosedPerReport: 1 },
    );
    expect(connections(report!).slice(1)).toEqual([
      expect.objectContaining({
        ends: "10.0.0.1:0 > 10.0.0.2:8080",
        visible: "10.0.0.1:0 > 10.9.9.9:80",
        nat: "redirect",
        state: "closed",
        count: 2,
        firstSeenMs: 905,
        lastSeenMs: 920,
        counters: [2, 200, 4, 400],
        from: "not-local",
        to: "nginx(7)*",
      }),
      expect.objectContaining({ state: "failed", count: 1 }),
    ]);
    expect(connections(report!)[1]!.flags).toContain("aggregated");
  });

  test("rows that the ingest aggregated pass with their count, and add up over batches", () => {
    const many = CALL.state("timeWait").aggregated(500);
    const reports = run([batch(1000, [destroyed(many)]), batch(1100, [many]), tick(2000), tick(3000)]);
    expect(reports.map(lines)).toEqual([["tcp 10.0.0.1:0 > 10.0.0.2:80 closed ×1000"], []]);
    expect(reports[0]!.health.merge.aggregated).toBe(0);
  });

  test("an owner stays on an aggregated row only while all of its connections had it", () => {
    const calls = [1, 2, 3].map((i) => flow(`10.0.0.1:${40_000 + i} > 10.0.0.2:80`));
    const sockets = [1, 2, 3].map((i) =>
      socket(`10.0.0.1:${40_000 + i} > 10.0.0.2:80`).of(owner(i === 3 ? 99 : 12, "curl")),
    );
    const inputs = [batch(1000, calls), table(1100, sockets), tick(1200)];
    const closed = calls.map((call) => destroyed(call.state("timeWait")));
    const [, same] = run([...inputs, batch(1300, closed.slice(0, 2)), tick(2000)], { maxClosedPerReport: 0 });
    const [, other] = run([...inputs, batch(1300, closed), tick(2000)], { maxClosedPerReport: 0 });
    expect(connections(same!).find((row) => row.count === 2)!.from).toBe("curl(12)");
    expect(only(other!)).toMatchObject({ count: 3, from: "no-socket" });
  });
});

test("S20 without any input a tick still gives a report", () => {
  const [report] = run([tick(2000)]);
  expect(report!.columns.length).toBe(0);
  expect(report!.window).toEqual({ startMs: 2000, endMs: 2000 });
});

test("a swept flow ends at a time that nobody saw: it is last seen when it was last heard of", () => {
  const reports = run([batch(1000, [CALL]), tick(2000), batch(9000, [swept(CALL)]), tick(9500)]);
  expect(only(reports[1]!).lastSeenMs).toBe(1000);
});

/** Closed flows from `clients` addresses, each with a port of its own. */
function closedBatch(timeMs: number, first: number, count: number, clients: number): ReturnType<typeof batch> {
  const flows = Array.from({ length: clients }, (_, i) => flow(`10.0.0.${i + 1}:1 > 10.0.1.1:80`));
  const some = batch(
    timeMs,
    flows.map((each) => destroyed(each)),
  );
  const width = some.rows.length / clients;
  const rows = new Uint32Array(count * width);
  for (let i = 0; i < count; i++) {
    rows.set(some.rows.subarray((i % clients) * width, ((i % clients) + 1) * width), i * width);
    rows[i * width + FLOW.id] = first + i + 1;
  }
  return { ...some, count, rows, changes: new Uint8Array(count).fill(FLOW_CHANGE.destroyed) };
}

function total({ columns }: Snapshot): number {
  return columns.count.subarray(0, columns.length).reduce((sum, count) => sum + count, 0);
}
