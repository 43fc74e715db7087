/** When a socket table goes on: behind the events of its time, and not for ever without them. */
import type { FlowBatch, SocketTable, Tick } from "@conntrail/model";
import { type AwaitCutOptions, awaitCut } from "@conntrail/stages";
import { from } from "rxjs";
import { expect, test } from "vitest";
import { batch } from "./flow-fixture.ts";
import { tick } from "./snapshot-view.ts";
import { table } from "./socket-fixture.ts";

type Input = FlowBatch | SocketTable | Tick;

/** The inputs in the order in which they come out: `table 100`, `uncut 100`, `batch 120`, `tick 130`. */
function order(inputs: readonly Input[], options?: AwaitCutOptions): string[] {
  const out: string[] = [];
  let uncut = 0;
  from(inputs)
    .pipe(awaitCut(options))
    .subscribe({
      next: (input) => {
        if (input.kind !== "sockets") out.push(`${input.kind === "flows" ? "batch" : "tick"} ${input.timeMs}`);
        else out.push(`${input.health.uncut > uncut ? "uncut" : "table"} ${input.timeMs}`);
        if (input.kind === "sockets") uncut = input.health.uncut;
      },
      error: (error: unknown) => {
        throw error;
      },
    });
  return out;
}

const upTo = (timeMs: number, cutMs: number | null): FlowBatch => ({ ...batch(timeMs, []), cutMs });

test("F33 a table waits for the batch that has read its time, and ticks do not wait with it", () => {
  const inputs = [upTo(90, 89), table(100, []), upTo(101, 99), tick(110), upTo(120, 118), table(140, []), tick(150)];
  expect(order(inputs)).toEqual(["batch 90", "batch 101", "tick 110", "batch 120", "table 100", "tick 150"]);
});

test("a table whose cut is there already goes on at once", () => {
  expect(order([upTo(120, 118), table(100, [])])).toEqual(["batch 120", "table 100"]);
});

test("one batch answers all tables of its time, in their order", () => {
  const inputs = [table(100, []), table(110, []), table(130, []), upTo(140, 120)];
  expect(order(inputs)).toEqual(["batch 140", "table 100", "table 110"]);
});

test("F13 a source that says nothing costs a table its deadline, by the time of a tick, and is counted", () => {
  expect(order([table(100, []), tick(5099), tick(5100)])).toEqual(["tick 5099", "uncut 100", "tick 5100"]);
  expect(order([upTo(90, 80), table(100, []), tick(5099), tick(5100)])).toEqual([
    "batch 90",
    "tick 5099",
    "uncut 100",
    "tick 5100",
  ]);
});

test("F33 a table waits for as long as a namespace is dumped, if only the source speaks", () => {
  const dumping = [4000, 8000, 12_000].flatMap((atMs) => [upTo(atMs, 50), tick(atMs + 1)]);
  expect(order([table(100, []), ...dumping, upTo(12_100, 12_090)]).slice(-3)).toEqual([
    "tick 12001",
    "batch 12100",
    "table 100",
  ]);
});

test("the last tick is told of every table", () => {
  expect(order([table(100, []), tick(110, true)])).toEqual(["uncut 100", "tick 110"]);
});

test("without conntrack nothing is waited for", () => {
  expect(order([table(100, []), tick(110)], { conntrack: false })).toEqual(["table 100", "tick 110"]);
  const off = { ...batch(90, [], { health: { state: "off", reason: "not-permitted" } }), cutMs: 0 };
  expect(order([off, table(100, []), tick(110)])).toEqual(["batch 90", "table 100", "tick 110"]);
});

test("an ingest that starts is waited for, one that fails and sources without cuts are not", () => {
  const starting = { ...batch(90, [], { health: { state: "off", reason: "starting" } }), cutMs: 0 };
  expect(order([starting, table(100, [])])).toEqual(["batch 90"]);
  expect(order([upTo(90, 89), table(100, []), upTo(105, null)])).toEqual(["batch 90", "batch 105", "table 100"]);
  expect(order([upTo(90, null), table(100, [])])).toEqual(["batch 90", "table 100"]);
});

test("however fast scans are, tables wait, up to a number of them and of their sockets; then the oldest are left out, and counted", () => {
  const inputs = Array.from({ length: 18 }, (_, i) => table(i + 1, []));
  const kept = inputs.slice(3).map(({ timeMs }) => `table ${timeMs}`);
  expect(order([...inputs, upTo(30, 30)])).toEqual(["batch 30", "uncut 3", ...kept]);
  const large = [1, 2, 3].map((i) => ({ ...table(i, []), count: 131_072 }));
  expect(order([...large, upTo(10, 7)])).toEqual(["batch 10", "uncut 2", "table 3"]);
  expect(order([{ ...table(1, []), count: 1_000_000 }, upTo(10, 7)])).toEqual(["batch 10", "table 1"]);
});
