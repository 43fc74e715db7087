/** The age of the socket table, told when it is too old. */
import type { Snapshot, SocketTable, Tick } from "@conntrail/model";
import { markStale, merge } from "@conntrail/stages";
import { from, map } from "rxjs";
import { expect, test } from "vitest";
import { tick } from "./snapshot-view.ts";
import { table } from "./socket-fixture.ts";

function socketsHealth(...inputs: (SocketTable | Tick)[]): Snapshot["health"]["sockets"] {
  const snapshots: Snapshot[] = [];
  from(inputs)
    .pipe(merge(), markStale(5000))
    .subscribe({
      next: (snapshot) => snapshots.push(snapshot),
      error: (error: unknown) => {
        throw error;
      },
    });
  return snapshots.at(-1)!.health.sockets;
}

test("F13 a table older than the limit makes the sockets stale, with its age", () => {
  const health = socketsHealth(table(1000, []), tick(6001));
  expect(health).toMatchObject({ state: "degraded", reason: "stale", timeMs: 1000 });
  expect(health.advice).toContain("5 s old");
});

test("F13 a younger table is not stale, nor is one that a later scan replaced", () => {
  expect(socketsHealth(table(1000, []), tick(6000)).reason).toBeNull();
  expect(socketsHealth(table(1000, []), tick(7000), table(7500, []), tick(8000)).reason).toBeNull();
});

test("a table that a look has confirmed since is not stale", () => {
  const snapshots: Snapshot[] = [];
  let confirmedMs = 1000;
  const confirm = map((input: SocketTable | Tick) => {
    confirmedMs = input.timeMs - 100;
    return input;
  });
  from([table(1000, []), tick(60_000)])
    .pipe(
      confirm,
      merge(),
      markStale(5000, () => confirmedMs),
    )
    .subscribe({
      next: (snapshot) => snapshots.push(snapshot),
      error: (error: unknown) => {
        throw error;
      },
    });
  expect(snapshots.at(-1)!.health.sockets).toMatchObject({ reason: null, timeMs: 1000 });
});

test("before the first table the sockets are starting, not stale", () => {
  expect(socketsHealth(tick(60_000)).reason).toBe("starting");
});
