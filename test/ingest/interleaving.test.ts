/**
 * The law of joining dumps and events: whatever happens in the kernel while it is dumped, and in whatever order its events and
 * the dump's rows are read, the flows end up as the kernel has them. The kernel here is a model of a few lines.
 */
import { FlowTracker } from "@conntrail/ingest";
import { CT_TCP_STATE, FLOW_CHANGE } from "@conntrail/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Consumer } from "./consumer.ts";
import { message } from "./messages.ts";

const NETNS = 7;
const TUPLES = 3;

/** What the reader does next. */
type Reading = { readonly do: "read event" } | { readonly do: "read row" } | { readonly do: "flush" };

/** What happens to a tuple, or what the reader does next. */
type Step =
  | { readonly do: "open" | "change" | "close" | "destroy"; readonly tuple: number; readonly sameId: boolean }
  | { readonly do: "ghost"; readonly tuple: number; readonly sameId: boolean }
  | { readonly do: "dump" }
  | Reading;

interface Entry {
  readonly id: number;
  /** Tells lives of one tuple apart, also when they have the same id. */
  readonly life: number;
  state: number;
  /** Grows with each change. */
  timeout: number;
  readonly silent: boolean;
}

class Kernel {
  readonly table = new Map<number, Entry>();
  readonly events: Uint8Array[] = [];
  readonly rows: Uint8Array[] = [];
  /** Lives that ended while events were complete, and had not been closed before the tracker looked. */
  readonly ended: number[] = [];
  /** What ghosts do while they are dumped only the next dump can show: here they hold still. */
  ghostsHoldStill = false;
  #life = 0;
  #bucket = TUPLES;

  apply(step: Exclude<Step, Reading>): void {
    if (step.do === "dump") {
      if (this.#bucket < TUPLES) this.#dumpBucket(this.#bucket++);
      return;
    }
    const { tuple } = step;
    const entry = this.table.get(tuple);
    if (entry?.silent && this.ghostsHoldStill) return;
    if (step.do === "open" || step.do === "ghost") {
      if (entry !== undefined) return;
      const id = step.sameId ? 1 : ++this.#life + 100;
      const made = { id, life: ++this.#life, state: CT_TCP_STATE.synSent, timeout: 1, silent: step.do === "ghost" };
      this.table.set(tuple, made);
      this.#tell("new", tuple, made);
    } else if (entry !== undefined && step.do === "destroy") {
      this.table.delete(tuple);
      this.#tell("destroy", tuple, entry);
      this.ended.push(entry.life);
    } else if (entry !== undefined && entry.state !== CT_TCP_STATE.timeWait) {
      entry.state = step.do === "close" ? CT_TCP_STATE.timeWait : CT_TCP_STATE.established;
      entry.timeout++;
      this.#tell("update", tuple, entry);
    }
  }

  beginDump(): void {
    this.#bucket = 0;
  }

  finishDump(): void {
    while (this.#bucket < TUPLES) this.#dumpBucket(this.#bucket++);
  }

  #dumpBucket(tuple: number): void {
    const entry = this.table.get(tuple);
    if (entry !== undefined) this.rows.push(bytes("row", tuple, entry));
  }

  #tell(kind: "new" | "update" | "destroy", tuple: number, entry: Entry): void {
    if (!entry.silent) this.events.push(bytes(kind, tuple, entry));
  }
}

function bytes(kind: "new" | "update" | "destroy" | "row", tuple: number, entry: Entry): Uint8Array {
  const { id, life, state, timeout } = entry;
  return message(kind, { client: 1000 + tuple, id, mark: life, state, timeout });
}

/** Everything a run needs, and how to end it. */
class Run {
  readonly kernel = new Kernel();
  readonly consumer = new Consumer();
  readonly tracker = new FlowTracker();

  step(step: Step): void {
    if (step.do === "flush") this.flush();
    else if (step.do === "read event") this.#event();
    else if (step.do === "read row") this.#row();
    else this.kernel.apply(step);
  }

  drain(): void {
    while (this.kernel.events.length > 0) this.#event();
  }

  dump(during: readonly Step[]): void {
    this.drain();
    this.tracker.beginDump(NETNS, 0);
    this.kernel.beginDump();
    this.kernel.ghostsHoldStill = true;
    for (const step of during) this.step(step);
    this.kernel.finishDump();
    while (this.kernel.rows.length > 0) this.#row();
    this.drain();
    expect(this.tracker.endDump(NETNS)).toBe(true);
  }

  flush(): void {
    do this.consumer.take(this.tracker.flush(0));
    while (this.tracker.hasChanges);
  }

  /** The consumer's live flows against the kernel's that are not closed. */
  compare(): void {
    this.drain();
    this.flush();
    const expected = [...this.kernel.table]
      .filter(([, { state }]) => state !== CT_TCP_STATE.timeWait)
      .map(([tuple, { life, state }]) => `${1000 + tuple} life ${life} state ${state}`);
    const live = [...this.consumer.live.values()];
    const seen = live.map(({ key, mark, state }) => `${/:(\d+) /.exec(key)![1]} life ${mark} state ${state}`);
    expect(seen.sort()).toEqual(expected.sort());
    expect(this.tracker.flows).toBe(this.kernel.table.size);
  }

  #event(): void {
    const event = this.kernel.events.shift();
    if (event !== undefined) this.tracker.apply(NETNS, event, 0, event.length, 0);
  }

  #row(): void {
    const row = this.kernel.rows.shift();
    if (row !== undefined) this.tracker.applyDump(NETNS, row, 0, row.length, 0);
  }
}

const tuple = fc.nat({ max: TUPLES - 1 });
const happening = fc.record(
  { do: fc.constantFrom("open", "open", "change", "close", "destroy" as const), tuple, sameId: fc.boolean() },
  { noNullPrototype: true },
) as fc.Arbitrary<Step>;
const ghost = fc.record(
  { do: fc.constant("ghost" as const), tuple, sameId: fc.boolean() },
  { noNullPrototype: true },
) as fc.Arbitrary<Step>;
const reading = fc.constantFrom<Step>({ do: "dump" }, { do: "read event" }, { do: "read row" }, { do: "flush" });
const before = fc.array(fc.oneof(happening, ghost), { maxLength: 12 });
const during = fc.array(fc.oneof(happening, reading), { maxLength: 40 });
const after = fc.array(happening, { maxLength: 8 });

test("S8 F5 any interleaving of dump and events at start ends in the kernel's state", () => {
  fc.assert(
    fc.property(before, during, after, (earlier, meanwhile, later) => {
      const run = new Run();
      for (const step of earlier) run.step(step);
      run.kernel.events.length = 0; // nobody had subscribed
      run.dump(meanwhile);
      run.compare();
      for (const step of later) run.step(step);
      run.compare();
    }),
    { numRuns: 2_000 },
  );
});

test("F4 F9 the same after a loss: flows that opened, changed and closed unheard are found, and none is closed for the loss alone", () => {
  fc.assert(
    fc.property(before, during, after, during, (earlier, meanwhile, unheard, resync) => {
      const run = new Run();
      for (const step of earlier) run.step(step);
      run.kernel.events.length = 0;
      run.dump(meanwhile);
      run.flush();
      run.kernel.ghostsHoldStill = false;
      for (const step of unheard) run.step(step);
      run.kernel.events.length = 0;
      const live = run.consumer.live.size;
      run.tracker.overrun(NETNS);
      run.flush();
      expect(run.consumer.live.size).toBe(live);
      run.dump(resync);
      run.compare();
      const told = run.consumer.ended.map(({ mark }) => mark);
      expect(told).toEqual([...new Set(told)]);
    }),
    { numRuns: 2_000 },
  );
});

test("S6 without a loss every connection that ends after the start is told exactly once", () => {
  fc.assert(
    fc.property(during, (steps) => {
      const run = new Run();
      run.dump(steps);
      run.dump([]);
      run.compare();
      for (const { life } of run.kernel.table.values())
        expect(run.consumer.ended.filter(({ mark }) => mark === life).length).toBeLessThan(2);
      const told = run.consumer.ended.map(({ mark }) => mark).filter((life) => run.kernel.ended.includes(life));
      expect(told.sort()).toEqual([...run.kernel.ended].sort());
    }),
    { numRuns: 2_000 },
  );
});

test("F3 ghosts, which have no events, are shown by the first dump and swept by the next", () => {
  const run = new Run();
  run.step({ do: "ghost", tuple: 0, sameId: false });
  run.dump([]);
  run.compare();
  run.kernel.ghostsHoldStill = false;
  run.step({ do: "destroy", tuple: 0, sameId: false });
  run.dump([]);
  run.compare();
  expect(run.consumer.ended.map(({ change }) => change)).toEqual([FLOW_CHANGE.swept]);
});
