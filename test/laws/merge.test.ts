/** Laws of the merge, over worlds of connections whose lives are known. */
import type { Snapshot } from "@conntrail/model";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatEnds } from "../stages/ends.ts";
import { batch, destroyed, flow } from "../stages/flow-fixture.ts";
import { type Connection, connections, run, tick } from "../stages/snapshot-view.ts";
import { socket, table } from "../stages/socket-fixture.ts";
import {
  inputs,
  isScanned,
  KINDS,
  type Kind,
  type Life,
  lateWorlds,
  STEP_MS,
  steps,
  type World,
  worlds,
} from "../stages/world.ts";

const RUNS = { numRuns: 40 };

/** Rows that tell an end. */
function ended(report: Snapshot): Connection[] {
  return connections(report).filter(({ state }) => state === "closed" || state === "failed");
}

/** Rows that live. */
function alive(report: Snapshot): Connection[] {
  return connections(report).filter(({ state }) => state !== "closed" && state !== "failed");
}

function endsOf({ kind, port }: Life): string {
  return KINDS[kind].ends(port);
}

/** The moments at which a world is scanned. */
function scans(world: World): number[] {
  return steps(world).filter((_, i) => i % world.scanEvery === 0);
}

/** As far as conntrack tells: its events are read a little late. */
function isTracked({ kind, beginMs, endMs, lagMs }: Life, atMs: number): boolean {
  return kind !== "untracked" && beginMs + lagMs <= atMs && atMs < endMs + lagMs;
}

/** True when any scan saw the connection's sockets. */
function wasScanned(world: World, each: Life): boolean {
  return scans(world).some((atMs) => isScanned(world, each, atMs));
}

/** Lives that somebody can know of: tracked ones, and others that a scan caught. */
function knowable(world: World): Life[] {
  return world.lives.filter((each) => each.kind !== "untracked" || wasScanned(world, each));
}

/** A connection's ends as its sockets alone show them. */
function seenBySockets({ kind, port }: Life): string[] {
  const { client, server }: Kind = KINDS[kind];
  return [client?.(port), server?.(port)]
    .filter((each) => each !== undefined)
    .flatMap(({ facts }) => [
      formatEnds({ from: facts.local, to: facts.remote }),
      formatEnds({ from: facts.remote, to: facts.local }),
    ]);
}

function sorted(texts: readonly string[]): string[] {
  return texts.toSorted();
}

describe("over any world", { timeout: 120_000 }, () => {
  test("S6 F33 every connection that ends is told as ended exactly once, with its real ends", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const told = run(inputs(world)).flatMap(ended);
        expect(sorted(told.map(({ ends }) => ends))).toEqual(sorted(knowable(world).map(endsOf)));
      }),
      RUNS,
    );
  });

  test("F33 a report shows exactly the connections that live: none twice, none missing, none too long", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const times = steps(world).filter((_, i) => i % world.tickEvery === 0);
        run(inputs(world)).forEach((report, i) => {
          const nowMs = times[i] ?? Number.POSITIVE_INFINITY;
          const scanMs = Math.max(...scans(world).filter((atMs) => atMs <= nowMs));
          const living = world.lives.filter((each) =>
            each.kind === "untracked" ? isScanned(world, each, scanMs) : isTracked(each, nowMs),
          );
          // First read in the last batch: other namespaces may still tell of it, and without cuts the batch before is what was told everywhere (D-17).
          const fresh = living.filter(
            (each) => each.kind !== "untracked" && each.beginMs + each.lagMs > nowMs - STEP_MS,
          );
          const expected = sorted(living.filter((each) => !fresh.includes(each)).map(endsOf));
          // An end that was read in the last batch: other namespaces may still tell theirs.
          const ending = world.lives.filter(
            ({ endMs, lagMs }) => endMs + lagMs <= nowMs && nowMs < endMs + lagMs + 200,
          );
          // A socket whose flow's first event was not read yet.
          const young = world.lives.filter(
            (each) => isScanned(world, each, scanMs) && each.beginMs + each.lagMs > nowMs,
          );
          const excused = [...[...ending, ...fresh].map(endsOf), ...young.flatMap(seenBySockets)];
          const shown = alive(report).map(({ ends }) => ends);
          expect(sorted(shown.filter((ends) => expected.includes(ends) || !excused.includes(ends)))).toEqual(expected);
          expect(new Set(shown).size).toBe(shown.length);
        });
      }),
      RUNS,
    );
  });

  test("S8 conntrack that comes late takes connections over: each is still told as ended exactly once", () => {
    fc.assert(
      fc.property(lateWorlds(), (world) => {
        const reports = run(inputs(world));
        const known = world.lives.filter(
          (each) => wasScanned(world, each) || (each.kind !== "untracked" && each.endMs + each.lagMs > world.dumpMs),
        );
        expect(sorted(reports.flatMap(ended).map(({ ends }) => ends))).toEqual(sorted(known.map(endsOf)));
        for (const report of reports) {
          const shown = alive(report).map(({ ends }) => ends);
          expect(new Set(shown).size).toBe(shown.length);
        }
      }),
      RUNS,
    );
  });

  test("F27 F29 F30 a connection never has another's process, and has its own when a scan saw its socket", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const told = run(inputs(world)).flatMap(ended);
        for (const each of knowable(world)) {
          const rows = told.filter(({ ends }) => ends === endsOf(each));
          const row = rows.find(({ lastSeenMs }) => lastSeenMs >= each.beginMs && lastSeenMs <= each.endMs + 90)!;
          if (wasScanned(world, each) && each.kind !== "incoming") expect(row.from).toBe(`client(${each.pid})`);
          else expect(["no-socket", "not-local", "unavailable"]).toContain(row.from);
        }
      }),
      RUNS,
    );
  });

  test("the same input gives the same bytes", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        expect(bytes(run(inputs(world)))).toEqual(bytes(run(inputs(world))));
      }),
      RUNS,
    );
  });

  test("it does not matter whether a batch or a table of one step comes first", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const one = run(inputs(world));
        const other = run(inputs(world, (items) => items.toReversed()));
        expect(one.map(comparable)).toEqual(other.map(comparable));
      }),
      RUNS,
    );
  });

  test("inputs are only read", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const given = inputs(world);
        const before = structuredClone(given);
        run(given);
        expect(given).toEqual(before);
      }),
      { numRuns: 20 },
    );
  });
});

test("it does not matter in which order the two directions of a connection come", () => {
  const port = fc.integer({ min: 1, max: 65_535 });
  fc.assert(
    fc.property(port, port, (a, b) => {
      const sides = [socket(`10.0.0.1:${a} > 10.0.0.2:${b}`), socket(`10.0.0.2:${b} > 10.0.0.1:${a}`)];
      const reports = [sides, sides.toReversed()].map((order) => run([table(1000, order), tick(2000)])[0]!);
      expect(connections(reports[0]!)).toEqual(connections(reports[1]!));
      expect(reports[0]!.columns.length).toBe(1);
    }),
  );
});

test("F8 whatever the limits, rows, aggregated counts and dropped ones add up to all connections that ended", () => {
  const many = fc.record({
    clients: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 60 }),
    maxClosedPerReport: fc.integer({ min: 0, max: 20 }),
    maxAggregatesPerReport: fc.integer({ min: 0, max: 5 }),
    perBatch: fc.integer({ min: 1, max: 10 }),
    liveFirst: fc.boolean(),
  });
  fc.assert(
    fc.property(many, ({ clients, perBatch, liveFirst, ...options }) => {
      const flows = clients.map((client, i) => flow(`10.0.0.${client}:${10_000 + i} > 10.0.1.1:80`));
      const batches = chunks(flows, perBatch).map((part, i) =>
        batch(
          2000 + i,
          part.map((each) => destroyed(each)),
        ),
      );
      const begin = liveFirst ? [batch(1000, flows), tick(1100)] : [];
      const reports = run([...begin, ...batches, tick(3000), tick(4000, true)], options);
      const told = reports.flatMap(ended).reduce((sum, { count }) => sum + count, 0);
      const { dropped, aggregated } = reports.at(-1)!.health.merge;
      expect(told + dropped).toBe(clients.length);
      expect(aggregated).toBe(
        reports.flatMap(ended).reduce((sum, row) => sum + (isAggregated(row) ? row.count : 0), 0),
      );
    }),
  );
});

test("thousands of flows and sockets that come and go leave exactly those that are there", { timeout: 60_000 }, () => {
  const flowEnds = (i: number): string => `10.0.${i % 7}.1:${10_000 + i} > 10.1.${i % 5}.1:80`;
  const socketEnds = (i: number): string => `10.2.${i % 7}.1:${10_000 + i} > 10.3.${i % 5}.1:80`;
  const row = (i: number): ReturnType<typeof flow> => flow(flowEnds(i)).id(i + 1);
  let living: number[] = [];
  const rounds = Array.from({ length: 12 }, (_, round) => {
    const nowMs = 1000 * (round + 1);
    const born = Array.from({ length: 500 }, (__, i) => round * 500 + i);
    const gone = living.filter((i) => (i * 7919 + round) % 3 === 0);
    living = [...living.filter((i) => !gone.includes(i)), ...born];
    const news = batch(nowMs, [...born.map(row), ...gone.map((i) => destroyed(row(i)))], { cutMs: nowMs });
    const sockets = table(
      nowMs + 10,
      living.map((i) => socket(socketEnds(i))),
    );
    return { expected: living.flatMap((i) => [flowEnds(i), socketEnds(i)]), inputs: [news, sockets, tick(nowMs + 20)] };
  });
  const reports = run(
    rounds.flatMap((round) => round.inputs),
    { portOrder: true },
  );
  const shown = reports.map((report) => sorted(alive(report).map(({ ends }) => ends)));
  expect(shown).toEqual(rounds.map(({ expected }) => sorted(expected)));
});

function isAggregated({ flags }: Connection): boolean {
  return flags.includes("aggregated");
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return items.length === 0 ? [] : [items.slice(0, size), ...chunks(items.slice(size), size)];
}

/** All that a snapshot holds, byte by byte. */
function bytes(reports: readonly Snapshot[]): unknown {
  return reports.map(({ columns, ...rest }) => ({
    ...rest,
    columns: Object.values(columns).map((column: number | Uint8Array) =>
      typeof column === "number" ? column : Buffer.from(column.buffer).toString("latin1"),
    ),
  }));
}

/** Everything but the order of the rows. */
function comparable(report: Snapshot): unknown {
  return sorted(connections(report).map((row) => JSON.stringify(row)));
}
