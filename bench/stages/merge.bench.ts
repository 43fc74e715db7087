/**
 * What the merge costs: taking batches and tables in, and building a snapshot, at four sizes, without NAT and with a
 * quarter of the flows translated, with sockets for half of them. Then the stages after it. The aim is that of DESIGN.md's T3: a report of
 * 100,000 live flows must leave most of a third of 1.4 s to the encoders.
 */
import type { FlowBatch, Snapshot, SocketTable, Tick } from "@conntrail/model";
import { attachNames, mapNat, merge, type NameSource } from "@conntrail/stages";
import { of, Subject } from "rxjs";
import type { BenchCase, Timed, TimedCase } from "../case.ts";
import { type FlowShape, flowBatch, moveTo, NOW_MS, socketTable } from "./inputs.ts";

const SIZES = [
  [1_000, "1k"],
  [10_000, "10k"],
  [100_000, "100k"],
  [1_000_000, "1M"],
] as const;

const SHAPES = [
  ["plain", { natEvery: 0, namespaces: 1 }],
  ["nat", { natEvery: 4, namespaces: 1 }],
  ["two-namespaces", { natEvery: 4, namespaces: 2 }],
] as const;

/** A merge at work: inputs go in, the last snapshot stays. */
interface Merging {
  readonly take: (input: FlowBatch | SocketTable) => void;
  readonly snapshot: () => Snapshot | undefined;
  readonly close: () => void;
}

function open({ flows, namespaces = 1 }: FlowShape): Merging {
  const inputs$ = new Subject<FlowBatch | SocketTable | Tick>();
  let last: Snapshot | undefined;
  let timeMs = NOW_MS;
  const subscription = inputs$.pipe(merge({ capacity: flows * namespaces, maxClosedPerReport: flows })).subscribe({
    next: (snapshot) => {
      last = snapshot;
    },
    error: (error: unknown) => {
      throw error;
    },
  });
  return {
    take: (input) => inputs$.next(input),
    snapshot: () => {
      timeMs += 1000;
      inputs$.next({ kind: "tick", timeMs, final: false });
      return last;
    },
    close: () => subscription.unsubscribe(),
  };
}

/** One case for every size and shape. `what` makes the function to time from the shape; `work` is how many units of `per` that is. */
function ladder(
  name: string,
  per: string,
  what: (shape: FlowShape) => Timed,
  { shapes = ["plain", "nat"], work = ({ flows }: FlowShape) => flows, target = {} }: LadderOptions = {},
): TimedCase[] {
  return SHAPES.filter(([label]) => shapes.includes(label)).flatMap(([shapeLabel, shape]) =>
    SIZES.map(([flows, label]): TimedCase => {
      const aim = label === "100k" && shape.namespaces === 1 ? target : {};
      const setup = (): Timed => what({ flows, ...shape });
      const count = work({ flows, ...shape });
      return { kind: "timed", name: `stages/${name}/${shapeLabel}/${label}`, per, count, size: flows, setup, ...aim };
    }),
  );
}

interface LadderOptions {
  readonly shapes?: readonly (typeof SHAPES)[number][0][];
  readonly work?: (shape: FlowShape) => number;
  /** Of the cases with 100,000 flows in one namespace. */
  readonly target?: Pick<TimedCase, "target">;
}

/** A batch that changes every flow of the table. */
function updates(shape: FlowShape): Timed {
  const merging = open(shape);
  const batch = flowBatch(shape);
  return { run: () => merging.take(batch), close: merging.close };
}

/** A batch of flows that are all new. */
function births(shape: FlowShape): Timed {
  const batch = flowBatch(shape);
  let merging = open(shape);
  return {
    before: () => {
      merging.close();
      merging = open(shape);
    },
    run: () => {
      merging.take(batch);
      return merging;
    },
    close: () => merging.close(),
  };
}

/** A table with the sockets of half of the flows, all of them known from the table before. */
function tables(shape: FlowShape): Timed {
  const merging = open(shape);
  const table = socketTable(shape, 2);
  // A snapshot settles what a table brought; without it, the next table would.
  return { before: () => void merging.snapshot(), run: () => merging.take(table), close: merging.close };
}

/** A snapshot with nothing new since the one before. */
function quietSnapshots(shape: FlowShape): Timed {
  const merging = open(shape);
  merging.take(flowBatch(shape));
  merging.take(socketTable(shape, 2));
  return { run: merging.snapshot, close: merging.close };
}

/** A snapshot with one flow in a hundred new, in place of one that is told by it as over. Beside `snapshot` it says what the settling of news costs. */
function newsSnapshots(shape: FlowShape): Timed {
  const merging = open({ ...shape, flows: shape.flows * 2 });
  merging.take(flowBatch(shape));
  const news = { ...shape, flows: Math.ceil(shape.flows / 100) };
  const [born, ended] = [flowBatch(news), flowBatch(news, true)];
  let timeMs = NOW_MS;
  return {
    before: () => {
      merging.take(ended);
      timeMs += 1000;
      for (const batch of [born, ended]) moveTo(batch, timeMs, timeMs);
      merging.take(born);
    },
    run: merging.snapshot,
    close: merging.close,
  };
}

/** A snapshot after a new table: every flow is joined anew. */
function joiningSnapshots(shape: FlowShape): Timed {
  const merging = open(shape);
  const table = socketTable(shape, 2);
  merging.take(flowBatch(shape));
  return { before: () => merging.take(table), run: merging.snapshot, close: merging.close };
}

/** All flows are born, end and are told. */
function wholeLives(shape: FlowShape): Timed {
  const merging = open(shape);
  const born = flowBatch(shape);
  const ended = flowBatch(shape, true);
  const empty = socketTable({ ...shape, flows: 0 }, 1);
  let timeMs = NOW_MS;
  return {
    before: () => {
      timeMs += 1000;
      moveTo(born, timeMs, timeMs);
      moveTo(ended, timeMs, timeMs + 500);
    },
    run: () => {
      merging.take(born);
      merging.take(ended);
      const snapshot = merging.snapshot();
      // A younger table lets go of what was told.
      merging.take({ ...empty, timeMs: timeMs + 900, startedMs: timeMs + 890 });
      return snapshot;
    },
    close: merging.close,
  };
}

function snapshotOf(shape: FlowShape): Snapshot {
  const merging = open(shape);
  merging.take(flowBatch(shape));
  merging.take(socketTable(shape, 2));
  const snapshot = merging.snapshot()!;
  merging.close();
  return snapshot;
}

function natOf(shape: FlowShape): Timed {
  const snapshot = snapshotOf(shape);
  return { run: () => of(snapshot).pipe(mapNat()).subscribe({ error: rethrow }) };
}

function namesOf(shape: FlowShape): Timed {
  const snapshot = snapshotOf(shape);
  const known = ["service.example"];
  const health = snapshot.health.names;
  const source: NameSource = { get: () => known, health: () => health };
  return { run: () => of(snapshot).pipe(attachNames(source)).subscribe({ error: rethrow }) };
}

function rethrow(error: unknown): never {
  throw error;
}

/** 100 ms for 100,000 flows, a socket table included; 300 ns for an update. */
const SNAPSHOT_TARGET = { target: { atMost: 1000, note: "T3's share" } };
const UPDATE_TARGET = { target: { atMost: 300, note: "own aim" } };

export const cases: readonly BenchCase[] = [
  ...ladder("update", "row", updates, { target: UPDATE_TARGET }),
  ...ladder("new-flows", "row", births, { shapes: ["nat"] }),
  ...ladder("table", "socket", tables, { shapes: ["nat"], work: ({ flows }) => flows / 2 }),
  ...ladder("snapshot", "flow", quietSnapshots, {
    shapes: ["plain", "nat", "two-namespaces"],
    target: SNAPSHOT_TARGET,
  }),
  ...ladder("snapshot-with-news", "flow", newsSnapshots, { shapes: ["nat", "two-namespaces"] }),
  ...ladder("snapshot-after-table", "flow", joiningSnapshots, {
    shapes: ["plain", "nat", "two-namespaces"],
    target: SNAPSHOT_TARGET,
  }),
  ...ladder("whole-lives", "flow", wholeLives, { shapes: ["nat"] }),
  ...ladder("map-nat", "flow", natOf, { shapes: ["nat"] }),
  ...ladder("attach-names", "flow", namesOf, { shapes: ["nat"] }),
];
