/** What `conntrail why` says of a connection that a process passes on, and of its other leg: a conclusion, which is told as one. */
import { fileURLToPath } from "node:url";
import type { ConnectionJson } from "@conntrail/report";
import { expect, test } from "vitest";
import { lastReport, relayNote } from "./why-parts.ts";

const WAYS = fileURLToPath(new URL("recordings/ways.pcapng.gz", import.meta.url));
const rows = (await lastReport(WAYS)).toJSON().connections.filter(({ via }) => via !== undefined);
const taken = rows.find(({ to, via }) => to.pid === via!.pid)!;
const opened = rows.find(({ from, via }) => from.pid === via!.pid)!;

/** The same way again, from other ports, this much later. */
const again = (row: ConnectionJson, port: number, ms: number): ConnectionJson => ({
  ...row,
  id: port,
  from: { ...row.from, port },
  firstSeen: new Date(Date.parse(row.firstSeen!) + ms).toISOString(),
});

test("F70 the one other leg is named from either side, as likely, with its ends, its id and the time between", () => {
  expect(relayNote(taken, rows)).toMatch(
    /^envoy \(pid \d+\) passes it on, likely: \d+ ms later it opened 10\.3\.0\.1:\d+ → 10\.3\.0\.2:8080, the address called here \(id:\d+\); that leg: conntrail why /,
  );
  expect(relayNote(opened, rows)).toMatch(
    /^envoy \(pid \d+\) opened it to pass on a call of shop \(pid \d+\), likely: 10\.3\.0\.1:\d+ → 127\.0\.0\.1:15001, meant for 10\.3\.0\.2:8080, which it took \d+ ms before/,
  );
});

test("F70 of several legs none is named, and one that was opened before the call came, or after it was over, is none", () => {
  const two = [...rows, again(opened, 50_001, 5), again(taken, 50_002, 5)];
  expect(relayNote(taken, two)).toContain("it opened 2 connections to 10.3.0.2:8080");
  expect(relayNote(opened, two)).toContain("it had 2 that were meant for 10.3.0.2:8080; which of them is not known");
  expect(relayNote(taken, [...rows, again(opened, 50_001, -60_000)])).toContain("ms later it opened");
  const over: ConnectionJson = { ...taken, state: "closed", lastSeen: taken.firstSeen };
  expect(relayNote(over, [opened])).toContain("no longer told (conntrail why 10.3.0.2:8080)");
});

test("F70 where no rows are kept the sentence claims no single leg; a connection that nobody passes on has none", () => {
  expect(relayNote(taken)).toMatch(/likely: .*both legs: conntrail why 10\.3\.0\.2:8080$/);
  const { via: _, ...plain } = taken;
  expect(relayNote(plain, rows)).toBeUndefined();
});
