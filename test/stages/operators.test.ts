/** The stages as operators: when they emit, end, fail and let go. */
import type { FlowBatch, NamesHealth, Snapshot, SocketTable, Tick } from "@conntrail/model";
import { attachNames, mapNat, merge, type NameSource } from "@conntrail/stages";
import { map, type OperatorFunction } from "rxjs";
import { TestScheduler } from "rxjs/testing";
import { describe, expect, test } from "vitest";
import { batch, destroyed, flow } from "./flow-fixture.ts";
import { lines, tick } from "./snapshot-view.ts";
import { socket, table } from "./socket-fixture.ts";

type Input = FlowBatch | SocketTable | Tick;

const CALL = flow("10.0.0.1:40000 > 10.0.0.2:80");
const inputs: Readonly<Record<string, Input>> = {
  f: batch(1000, [CALL]),
  d: batch(1500, [destroyed(CALL)]),
  s: table(1100, [socket("10.0.0.3:40000 > 10.0.0.2:22")]),
  t: tick(2000),
  z: tick(3000, true),
};

/** Snapshots as what they show. */
const shown: OperatorFunction<Snapshot, string> = map((snapshot) =>
  lines(snapshot)
    .map((line) => line.split(" ").at(-1))
    .join(),
);

function marbles(body: Parameters<TestScheduler["run"]>[0]): void {
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(body);
}

describe("merge", () => {
  test("emits one snapshot per tick, at the moment of the tick", () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot("    -f-s-t-d-t-z-|", inputs);
      const subs = "          ^------------!";
      const expected = "      -----a---b-c-|";
      const values = { a: "established,established", b: "closed,established", c: "established" };
      expectObservable(source.pipe(merge(), shown)).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test("emits nothing without a tick, and ends with its source", () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold("-f-s-|", inputs).pipe(merge(), shown)).toBe("-----|");
      expectObservable(cold<Input>("|").pipe(merge(), shown)).toBe("|");
      expectObservable(cold<Input>("-").pipe(merge(), shown)).toBe("-");
    });
  });

  test("fails with its source, before and after a tick", () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold<Input>("#").pipe(merge(), shown)).toBe("#");
      expectObservable(cold("-f-t-#", inputs).pipe(merge(), shown)).toBe("---a-#", { a: "established" });
    });
  });

  test("lets go of its source when nobody listens any more", () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot("    -f-t---t---", inputs);
      const unsubscribed = "  ----!";
      expectObservable(source.pipe(merge(), shown), unsubscribed).toBe("---a-", { a: "established" });
      expectSubscriptions(source.subscriptions).toBe("^---!");
    });
  });

  test("keeps the state of each subscription to itself", () => {
    marbles(({ hot, expectObservable }) => {
      const reports$ = hot("  -f--t--d--t-", inputs).pipe(merge(), shown);
      expectObservable(reports$).toBe("----a-----b-", { a: "established", b: "closed" });
      expectObservable(reports$, "--^---------").toBe("----a-----b-", { a: "", b: "closed" });
    });
  });

  test("says when it speaks of: from the first input, then from tick to tick", () => {
    marbles(({ cold, expectObservable }) => {
      const windows$ = cold("-f-t-z-|", inputs).pipe(
        merge(),
        map(({ window }) => `${window.startMs}-${window.endMs}`),
      );
      expectObservable(windows$).toBe("---a-b-|", { a: "1000-2000", b: "2000-3000" });
    });
  });

  test("says that conntrack and sockets are starting until they speak", () => {
    marbles(({ cold, expectObservable }) => {
      const health$ = cold("-t-f-t-s-t|", inputs).pipe(
        merge(),
        map(({ health }) => `${health.conntrack.reason} ${health.sockets.reason} ${health.sockets.timeMs}`),
      );
      const values = { a: "starting starting null", b: "null starting null", c: "null null 1100" };
      expectObservable(health$).toBe("-a---b---c|", values);
    });
  });
});

describe("mapNat", () => {
  test("passes each snapshot on, completed, and ends and fails with its source", () => {
    marbles(({ cold, expectObservable }) => {
      const kinds = map(({ columns }: Snapshot) => [...columns.nat.subarray(0, columns.length)].join());
      const translated = { ...inputs, n: batch(1000, [CALL.dnat("10.0.0.9:8080")]) };
      expectObservable(cold("-n-f-t-|", translated).pipe(merge(), mapNat(), kinds)).toBe("-----a-|", { a: "0" });
      expectObservable(cold("-n-t-#", translated).pipe(merge(), mapNat(), kinds)).toBe("---a-#", { a: "1" });
      expectObservable(cold<Snapshot>("|").pipe(mapNat())).toBe("|");
    });
  });

  test("lets go of its source when nobody listens any more", () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot<Snapshot>("------");
      expectObservable(source.pipe(mapNat()), "--!").toBe("---");
      expectSubscriptions(source.subscriptions).toBe("^-!");
    });
  });
});

describe("attachNames", () => {
  const health: NamesHealth = {
    state: "ok",
    reason: null,
    cached: 0,
    pending: 0,
    requests: 0,
    hits: 0,
    lookups: 0,
    failures: 0,
    dropped: 0,
  };

  test("never waits: what the source learns in the meantime comes with the next snapshot", () => {
    marbles(({ cold, expectObservable }) => {
      let asked = 0;
      const source: NameSource = { get: () => (asked++ < 2 ? undefined : ["web.example"]), health: () => health };
      const names$ = cold("-f-t-t-|", inputs).pipe(
        merge(),
        attachNames(source),
        map(({ names }) => names.flat().join()),
      );
      expectObservable(names$).toBe("---a-b-|", { a: "", b: "web.example,web.example" });
    });
  });

  test("ends and fails with its source, and lets go of it", () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source: NameSource = { get: () => undefined, health: () => health };
      expectObservable(cold<Snapshot>("--|").pipe(attachNames(source))).toBe("--|");
      expectObservable(cold<Snapshot>("--#").pipe(attachNames(source))).toBe("--#");
      const snapshots = hot<Snapshot>("------");
      expectObservable(snapshots.pipe(attachNames(source)), "--!").toBe("---");
      expectSubscriptions(snapshots.subscriptions).toBe("^-!");
    });
  });
});
