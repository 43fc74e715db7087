/** F14, T6, T7: decoding alone, decoding into the flow table with batches taken as the worker takes them, a dump of it, and what a flow takes there. */
import { decodeFlow, FlowTracker } from "@conntrail/ingest";
import { FLOW_WORDS } from "@conntrail/model";
import type { BenchCase, TimedCase } from "../case.ts";
import { dumpRows, EVENTS_PER_LIFE, fixtureFlows, lifeEvents, type MessageBlock } from "../fixtures.ts";

const NETNS = 4_026_531_833;
/** As many as one reading takes. */
const AT_ONCE = 128;
/** Events between two batches: 100 ms at 100,000 a second. */
const PER_BATCH = 10_000;
const LADDER = [
  { name: "1k", size: 1_000 },
  { name: "10k", size: 10_000 },
  { name: "100k", size: 100_000 },
] as const;
/** F14: what Scope took 17 s for. */
const F14_FLOWS = 27_000;
const FULL = 262_144;

export const cases: readonly BenchCase[] = [
  {
    kind: "timed",
    name: "ingest/F14-decode/10k",
    per: "event",
    count: 10_000 * EVENTS_PER_LIFE,
    size: 10_000,
    setup: () => {
      const { block, offsets, lengths } = lifeEvents(fixtureFlows(10_000));
      const words = new Uint32Array(block.buffer);
      const row = new Uint32Array(FLOW_WORDS);
      const floats = new Float64Array(row.buffer);
      return {
        run: () => {
          let sum = 0;
          for (let i = 0; i < offsets.length; i++) sum += decodeFlow(words, offsets[i]!, lengths[i]!, row, floats);
          return sum;
        },
      };
    },
  },
  ...LADDER.map(({ name, size }) => lives(`ingest/events/${name}`, size)),
  dump(`ingest/dump/27k`, F14_FLOWS),
  dump(`ingest/dump/262k`, FULL),
  { kind: "measured", name: "ingest/table", samples: 1, measure: async () => [bytesPerFlow()] },
];

/** Whole lives of TCP connections, all of them open at once: seven events each, the worst for the caches. */
function lives(name: string, size: number): TimedCase {
  return {
    kind: "timed",
    name,
    per: "event",
    count: size * EVENTS_PER_LIFE,
    size,
    target: { atMost: 1_000, note: "T7" },
    setup: () => {
      const events = lifeEvents(fixtureFlows(size), size);
      return { run: () => follow(events) };
    },
  };
}

function follow({ block, offsets, lengths }: MessageBlock): number {
  const tracker = new FlowTracker();
  let rows = 0;
  for (let first = 0; first < offsets.length; first += AT_ONCE) {
    const last = Math.min(first + AT_ONCE, offsets.length);
    tracker.applyAll(NETNS, block, offsets.subarray(first, last), lengths.subarray(first, last), last - first, first);
    if (Math.floor(first / PER_BATCH) !== Math.floor(last / PER_BATCH)) rows += tracker.flush(first).count;
  }
  return rows;
}

function dump(name: string, size: number): TimedCase {
  return {
    kind: "timed",
    name,
    per: "flow",
    count: size,
    size,
    setup: () => {
      const rows = dumpRows(fixtureFlows(size));
      return { run: () => tracked(rows) };
    },
  };
}

function tracked({ block, offsets, lengths }: MessageBlock): FlowTracker {
  const tracker = new FlowTracker();
  tracker.beginDump(NETNS, 0);
  for (let i = 0; i < offsets.length; i++) tracker.applyDump(NETNS, block, offsets[i]!, lengths[i]!, 0);
  tracker.endDump(NETNS);
  return tracker;
}

function bytesPerFlow() {
  const tracker = tracked(dumpRows(fixtureFlows(FULL)));
  if (tracker.flows !== FULL) throw new Error(`${tracker.flows} flows instead of ${FULL}`);
  return { name: "262,144 flows", unit: "B/flow", value: tracker.bytes / FULL, target: { atMost: 200, note: "T6" } };
}
