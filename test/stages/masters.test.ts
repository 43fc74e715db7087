/** Who announced a connection (CTA_TUPLE_MASTER), from the kernel's messages to the rows of a report. */
import { FlowTracker } from "@conntrail/ingest";
import { CT_STATUS, CT_TCP_STATE, type FlowBatch, type Snapshot } from "@conntrail/model";
import type { ConntrackMessage } from "@conntrail/netlink";
import { expect, test } from "vitest";
import { datagram, type FlowFacts, message } from "../ingest/messages.ts";
import { run, tick } from "./snapshot-view.ts";

const NETNS = 4_026_531_840;
const SERVER = [10, 0, 0, 2];
const OPEN = { state: CT_TCP_STATE.established, status: CT_STATUS.seenReply | CT_STATUS.assured | CT_STATUS.confirmed };
const CONTROL: FlowFacts = { ...OPEN, client: 41_000, server: 21, id: 1 };
/** The server calls back from port 20, as it was asked to on the control connection. */
const DATA: FlowFacts = {
  ...OPEN,
  status: OPEN.status | CT_STATUS.expected,
  source: SERVER,
  destination: [10, 0, 0, 1],
  client: 20,
  server: 42_000,
  id: 2,
  master: tuple(41_000, 21),
};
const ANNOUNCED_BY = {
  protocol: "tcp",
  from: { address: "10.0.0.1", port: 41_000 },
  to: { address: "10.0.0.2", port: 21 },
};

/** The batches of what a tracker was told, one for each step. */
function batches(...steps: readonly ((tracker: FlowTracker) => void)[]): FlowBatch[] {
  const tracker = new FlowTracker();
  return steps.map((step, i) => {
    step(tracker);
    return tracker.flush(1000 * (i + 1));
  });
}

function dumped(...flows: readonly FlowFacts[]): (tracker: FlowTracker) => void {
  return (tracker) => {
    tracker.beginDump(NETNS, 0);
    const bytes = datagram(...flows.map((facts) => message("row", facts)));
    tracker.applyDump(NETNS, bytes, 0, bytes.length, 500);
    tracker.endDump(NETNS);
  };
}

function told(kind: ConntrackMessage["kind"], facts: FlowFacts): (tracker: FlowTracker) => void {
  return (tracker) => {
    const bytes = message(kind, facts);
    tracker.apply(NETNS, bytes, 0, bytes.length, 1500);
  };
}

function masters({ columns, masters: known = [] }: Snapshot): unknown[] {
  return Array.from({ length: columns.length }, (_, row) => {
    const master = known[columns.master[row]! - 1];
    return { id: columns.id[row], ...(master && { master }) };
  });
}

test("a connection that another one announced names it, whether an event or a dump told of it", () => {
  for (const steps of [[dumped(CONTROL, DATA)], [dumped(CONTROL), told("new", DATA)]]) {
    const [report] = run([...batches(...steps), tick(9000)]).slice(-1);
    const [control, data] = masters(report!) as [{ id: number }, { id: number }];
    expect(control).toEqual({ id: control.id });
    expect(data).toEqual({ id: data.id, master: { id: control.id, ...ANNOUNCED_BY } });
  }
});

test("what was learnt without it is learnt by the next dump", () => {
  const { master, ...without } = DATA;
  expect(master).toBeDefined();
  const [first, , last] = run([
    ...batches(dumped(CONTROL), told("update", without)),
    tick(2500),
    ...batches(dumped(CONTROL, without), dumped(CONTROL, DATA)).slice(1),
    tick(3500),
    tick(4500),
  ]);
  expect(masters(first!).filter((each) => "master" in (each as object))).toEqual([]);
  expect(masters(last!).filter((each) => "master" in (each as object))).toHaveLength(1);
});

test("where the announcing connection is not followed, it is told without a number", () => {
  const [report] = run([...batches(dumped(DATA)), tick(9000)]);
  expect(masters(report!)).toEqual([{ id: expect.any(Number), master: { id: null, ...ANNOUNCED_BY } }]);
});

test("of two connections that had the announcing tuple the later one is meant", () => {
  const closed = { ...CONTROL, state: CT_TCP_STATE.timeWait };
  const reports = run([
    ...batches(dumped(CONTROL), told("update", closed), told("destroy", closed)),
    ...batches(dumped(), told("new", { ...CONTROL, id: 3 }), told("new", DATA)),
    tick(9000),
  ]);
  const rows = masters(reports.at(-1)!) as { id: number; master?: { id: number } }[];
  const data = rows.find(({ master }) => master !== undefined)!;
  expect(data.master!.id).toBe(Math.max(...rows.filter((row) => row !== data).map(({ id }) => id)));
});

function tuple(sourcePort: number, destinationPort: number): NonNullable<FlowFacts["master"]> {
  return {
    source: Uint8Array.from([10, 0, 0, 1]),
    destination: Uint8Array.from(SERVER),
    proto: { kind: "ports", number: 6, sourcePort, destinationPort },
  };
}
