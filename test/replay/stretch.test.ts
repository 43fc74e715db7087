/** What of a capture is reported, when, and how fast: `from`, `to`, intervals, speed. */
import { join } from "node:path";
import { encodeJson, type RawReport } from "@conntrail/report";
import { type ReplayOptions, type ReplaySummary, replay, replayReports } from "@conntrail/reporter";
import { lastValueFrom, take, toArray } from "rxjs";
import { expect, test } from "vitest";
import { runConntrail } from "../lab/index.ts";

const SHOP = join(import.meta.dirname, "../../samples/shop.pcapng");
const TEXT = join(import.meta.dirname, "../fixtures/conntrack-text/events-options.txt");

async function reports(path: string, options: ReplayOptions = {}): Promise<RawReport[]> {
  const found: RawReport[] = [];
  for await (const report of replayReports(path, options)) found.push(report.raw);
  return found;
}

const NOTHING = { defaultValue: [] as RawReport[] };

/** Rows that ended: each is in exactly one report of a sequence. */
function ended(found: readonly RawReport[]): number {
  const json = found.map(
    (report) =>
      JSON.parse(Buffer.from(encodeJson(report)).toString()) as { connections: { state: string; count: number }[] },
  );
  return json
    .flatMap(({ connections }) => connections)
    .filter(({ state }) => state === "closed")
    .reduce((sum, { count }) => sum + count, 0);
}

test("without options there is a report where one was made when it was recorded; numbers begin with 1 and windows join", async () => {
  const found = await reports(SHOP);
  expect(found.map(({ sequence }) => sequence)).toEqual(found.map((_, i) => i + 1));
  for (const [i, { window }] of found.entries()) if (i > 0) expect(window.startMs).toBe(found[i - 1]!.window.endMs);
});

test("an interval divides the capture's own time; a foreign capture is divided by seconds", async () => {
  const halves = await reports(SHOP, { reports: 500 });
  for (const { window } of halves.slice(1, -1)) expect(window.endMs - window.startMs).toBe(500);
  const seconds = await reports(TEXT);
  expect(seconds.length).toBeGreaterThan(5);
  for (const { window } of seconds.slice(1, -1)) expect((window.endMs - window.startMs) % 1000).toBe(0);
});

test("however a capture is divided, each ended connection is in exactly one report", async () => {
  const whole = ended(await reports(SHOP, { reports: "end" }));
  expect(whole).toBeGreaterThan(20);
  expect(ended(await reports(SHOP, { reports: 200 }))).toBe(whole);
  expect(ended(await reports(SHOP, { reports: 1_700 }))).toBe(whole);
});

test("what lies before `from` is applied and not reported; what lies behind `to` is not read", async () => {
  const [whole] = await reports(SHOP, { reports: "end" });
  const { startMs } = whole!.window;
  const from = startMs + 2_000;
  const to = startMs + 4_000;
  const [middle, ...more] = await reports(SHOP, { reports: "end", from, to });
  expect(more).toEqual([]);
  expect(middle!.sequence).toBe(1);
  expect(middle!.window).toEqual({ startMs: from, endMs: to });
  // The connections to the database were opened before, and are there.
  const held = (report: RawReport): number =>
    report.columns.toOwner.filter(
      (owner, row) => row < report.columns.length && report.owners.at(owner - 1)?.process === "database",
    ).length;
  expect(held(middle!)).toBe(held(whole!));
  expect(ended([middle!])).toBeGreaterThan(0);
  expect(ended([middle!])).toBeLessThan(ended([whole!]));
  // Before, between and behind make the whole.
  const parts = [
    await reports(SHOP, { reports: "end", to: from }),
    [middle!],
    await reports(SHOP, { reports: "end", from: to }),
  ];
  expect(parts.reduce((sum, part) => sum + ended(part), 0)).toBe(ended([whole!]));
});

test("moments may be given from the first record on, on the command line as +2s", async () => {
  const { stdout } = await runConntrail(undefined, [
    "replay",
    SHOP,
    "--since",
    "+2s",
    "--until",
    "+3s",
    "--format",
    "json",
  ]);
  const { window } = JSON.parse(stdout) as { window: { start: string; end: string } };
  expect(Date.parse(window.end) - Date.parse(window.start)).toBe(1_000);
});

test("a stretch beyond the capture is one report of what is there in the end", async () => {
  const found = await reports(SHOP, { from: Date.UTC(2100, 0, 1) });
  expect(found.length).toBe(1);
  expect(found[0]!.sequence).toBe(1);
  expect(ended(found)).toBe(0);
  expect(found[0]!.columns.length).toBeGreaterThan(0);
});

test("N25 a stretch in which nothing was recorded is told, with the time where the recording ends", async () => {
  const { code, stderr } = await runConntrail(undefined, ["replay", SHOP, "--since", "+99m", "--format", "json"]);
  expect(code).toBe(0);
  expect(stderr).toMatch(
    /^conntrail: .*nothing was recorded in that time; it ends, or begins, at 20\d\d-\d\d-\d\dT[\d:.]+Z\n$/,
  );
});

test("the speed is that of the capture's time, and does not change a byte", async () => {
  const began = performance.now();
  const paced = await reports(SHOP, { speed: 10 });
  const elapsedMs = performance.now() - began;
  const capturedMs = paced.at(-1)!.window.endMs - paced[0]!.window.startMs;
  expect(elapsedMs).toBeGreaterThan(capturedMs / 10 - 50);
  const fast = await reports(SHOP);
  expect(paced.map((report) => Buffer.from(encodeJson(report)).toString())).toEqual(
    fast.map((report) => Buffer.from(encodeJson(report)).toString()),
  );
});

test("a signal ends a replay early, with a last report of what was read", async () => {
  const stop = new AbortController();
  const found: RawReport[] = [];
  for await (const report of replayReports(SHOP, { speed: 0.5, signal: stop.signal })) {
    found.push(report.raw);
    stop.abort();
  }
  expect(found.length).toBe(2);
  expect(found[1]!.window.endMs).toBeLessThan((await reports(SHOP)).at(-1)!.window.endMs);
});

test("as an Observable it completes after the last report, tells what was read, and can be left at any time", async () => {
  const summaries: ReplaySummary[] = [];
  const all = await lastValueFrom(
    replay(SHOP, { onEnd: (summary) => summaries.push(summary) }).pipe(toArray()),
    NOTHING,
  );
  expect(all.length).toBe((await reports(SHOP)).length);
  expect(summaries).toMatchObject([{ format: "pcapng", undecodable: 0, copies: 0, badTimes: 0, brokenScans: 0 }]);
  expect(summaries[0]!.counts.packets).toBeGreaterThan(100);
  expect((await lastValueFrom(replay(SHOP).pipe(take(1), toArray()), NOTHING)).length).toBe(1);
});

test("a speed, an interval or a moment that cannot be meant is wrong usage", async () => {
  for (const options of [
    ["--speed", "0"],
    ["--speed", "fast"],
    ["--interval", "5"],
    ["--since", "yesterday"],
    ["--until", "2026-01-01T00:00:00"],
    ["--format", "jsn"],
  ]) {
    const { code, stdout, stderr } = await runConntrail(undefined, ["replay", SHOP, ...options]);
    expect({ code, stdout }, options.join(" ")).toEqual({ code: 2, stdout: "" });
    expect(stderr.split("\n").length).toBe(2);
  }
});
