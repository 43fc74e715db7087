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

test("F13 an ingest that does not answer costs a table its deadline, by the time of whatever comes next, and is counted", () => {
  expect(order([table(100, []), tick(1099), tick(1100)])).toEqual(["tick 1099", "uncut 100", "tick 1100"]);
  expect(order([table(100, []), upTo(1150, 50)])).toEqual(["uncut 100", "batch 1150"]);
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

test("no more than four tables wait at once", () => {
  const inputs = [1, 2, 3, 4, 5, 6].map((i) => table(i, []));
  expect(order([...inputs, upTo(10, 7)])).toEqual([
    "uncut 1",
    "uncut 2",
    "batch 10",
    "table 3",
    "table 4",
    "table 5",
    "table 6",
  ]);
});
