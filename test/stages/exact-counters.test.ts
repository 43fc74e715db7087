/** Counters beyond 2^53 keep their digits: from the kernel's messages, and from the text of conntrack, to JSON, NDJSON and questions. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FlowTracker } from "@conntrail/ingest";
import { CT_STATUS, CT_TCP_STATE, type ReportContent, type Snapshot } from "@conntrail/model";
import { compileFilter } from "@conntrail/query";
import { encodeJson, packReport, type ReportJson, unpackReport, viewReport } from "@conntrail/report";
import { expect, test } from "vitest";
import { datagram, type FlowFacts, message } from "../ingest/messages.ts";
import { runConntrail } from "../lab/index.ts";
import { SURROUNDINGS } from "../report/surroundings.ts";
import { run, tick } from "./snapshot-view.ts";

const NETNS = 4_026_531_840;
const LARGE = 2n ** 64n - 2n;
const OPEN = { state: CT_TCP_STATE.established, status: CT_STATUS.seenReply | CT_STATUS.assured | CT_STATUS.confirmed };
const HUGE: FlowFacts = {
  ...OPEN,
  originalCounters: { packets: 2n ** 53n + 1n, bytes: LARGE },
  replyCounters: { packets: 5n, bytes: 4242n },
};
const DIGITS = {
  original: { packets: "9007199254740993", bytes: "18446744073709551614" },
  reply: { packets: "5", bytes: "4242" },
};

/** What a report tells after these dumps, as text of its JSON. */
function told(...dumps: readonly FlowFacts[]): {
  readonly snapshot: Snapshot;
  readonly text: string;
  readonly json: ReportJson;
} {
  const tracker = new FlowTracker();
  const batches = dumps.map((facts, i) => {
    tracker.beginDump(NETNS, 1000 * i);
    const bytes = datagram(message("row", facts));
    tracker.applyDump(NETNS, bytes, 0, bytes.length, 1000 * i + 500);
    tracker.endDump(NETNS);
    return tracker.flush(1000 * i + 600);
  });
  const snapshot = run([...batches, tick(9000)]).at(-1)!;
  const content: ReportContent = { ...SURROUNDINGS, ...snapshot };
  const text = new TextDecoder().decode(encodeJson(content));
  // The same from the other side of a thread, and by the view.
  expect(JSON.stringify(viewReport(content))).toBe(text);
  const { message: packed } = packReport({ ...content, columns: structuredClone(content.columns) });
  expect(JSON.stringify(unpackReport(packed))).toBe(text);
  return { snapshot, text, json: JSON.parse(text) as ReportJson };
}

test("counters near 2^64 have their digits beside the nearest number, which is written without an exponent", () => {
  const { snapshot, text, json } = told(HUGE);
  expect(json.connections[0]!.counters).toEqual({
    original: { packets: 2 ** 53, bytes: 2 ** 64 },
    reply: { packets: 5, bytes: 4242 },
    exact: DIGITS,
  });
  expect(text).toContain('"bytes":18446744073709552000');
  for (const filter of [
    "counters.original.bytes > 1e19",
    'counters.exact.original.bytes == "18446744073709551614"',
    "counters.exact != null",
  ]) {
    const compiled = compileFilter(filter);
    expect(compiled.rows({ ...SURROUNDINGS, ...snapshot } as ReportContent), filter).toHaveLength(1);
    expect(compiled.matches(json.connections[0]!), filter).toBe(true);
  }
});

test.each(["original", "reply"] as const)(
  "of counters of which only those of the %s are so large all four are told",
  (side) => {
    const small = { packets: 7n, bytes: 99n };
    const { json } = told({
      ...OPEN,
      originalCounters: side === "original" ? { packets: 1n, bytes: LARGE } : small,
      replyCounters: side === "reply" ? { packets: 1n, bytes: LARGE } : small,
    });
    const digits = { original: { packets: "7", bytes: "99" }, reply: { packets: "7", bytes: "99" } };
    expect(json.connections[0]!.counters!.exact).toEqual({ ...digits, [side]: { packets: "1", bytes: String(LARGE) } });
  },
);

test("the digits are those of the latest look, and gone when the counters were set back", () => {
  const later = { ...HUGE, originalCounters: { packets: 2n ** 53n + 3n, bytes: LARGE - 1n } };
  expect(told(HUGE, later).json.connections[0]!.counters!.exact!.original.packets).toBe("9007199254740995");
  const zeroed = { ...HUGE, originalCounters: { packets: 1n, bytes: 60n } };
  expect(told(HUGE, zeroed).json.connections[0]!.counters).toEqual({
    original: { packets: 1, bytes: 60 },
    reply: { packets: 5, bytes: 4242 },
  });
  const exact = { ...HUGE, originalCounters: { packets: 2n ** 53n - 1n, bytes: 2n ** 53n - 1n } };
  expect(told(exact).json.connections[0]!.counters!.exact).toBeUndefined();
  // The first number that a double does not hold is rounded to 2^53.
  const first = { ...HUGE, originalCounters: { packets: 2n ** 53n + 1n, bytes: 9n } };
  expect(told(first).json.connections[0]!.counters!.exact!.original).toEqual({
    packets: "9007199254740993",
    bytes: "9",
  });
});

test("a listing of conntrack is replayed with all digits, as JSON and NDJSON, and can be asked", async () => {
  const folder = mkdtempSync(join(tmpdir(), "conntrail-exact-"));
  const path = join(folder, "listing.txt");
  const end = (source: string, destination: string, ports: string, bytes: bigint): string =>
    `src=${source} dst=${destination} ${ports} packets=3 bytes=${bytes}`;
  writeFileSync(
    path,
    `tcp      6 431999 ESTABLISHED ${end("10.0.0.1", "10.0.0.9", "sport=40002 dport=443", LARGE)} ${end("10.0.0.9", "10.0.0.1", "sport=443 dport=40002", 9n)} [ASSURED] mark=0 use=1\n`,
  );
  for (const format of ["json", "ndjson"]) {
    const args = ["replay", path, "--format", format, "--filter", "counters.original.bytes > 1e19"];
    const { code, stdout } = await runConntrail(undefined, args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/"bytes":\s*"18446744073709551614"/);
  }
  rmSync(folder, { recursive: true });
});
