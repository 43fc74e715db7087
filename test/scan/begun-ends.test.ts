/** Looks at ends that began: together, within their share of a core, the newest when there are too many. */
import { TRACE, TRACE_WORDS } from "@conntrail/model";
import { type BegunEnds, looks } from "@conntrail/scan";
import { map, timer } from "rxjs";
import { TestScheduler } from "rxjs/testing";
import { describe, expect, test } from "vitest";

interface Look {
  readonly atMs: number;
  readonly ports: readonly number[];
}

/** `count` ends with the ports from `first` on. */
function ends(first: number, count = 1): BegunEnds {
  const rows = new Uint32Array(count * TRACE_WORDS);
  for (let i = 0; i < count; i++) rows[i * TRACE_WORDS + TRACE.ports] = first + i;
  return { rows, count };
}

/** The looks at what comes by the marbles, each of which takes `cpuMs` of CPU and `lastsMs`. */
function looked(marbles: string, values: Record<string, BegunEnds>, cpuMs = 1, lastsMs = 2): Look[] {
  const found: Look[] = [];
  const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
  scheduler.run(({ hot, expectObservable }) => {
    let running = 0;
    const look = ({ rows, count }: BegunEnds) => {
      expect(++running).toBe(1);
      const ports = Array.from({ length: count }, (_, i) => rows[i * TRACE_WORDS + TRACE.ports]!);
      found.push({ atMs: scheduler.now(), ports });
      return timer(lastsMs, scheduler).pipe(
        map(() => {
          running--;
          return { cpuMs };
        }),
      );
    };
    const looks$ = looks(hot(marbles, values), look, { budget: 0.02, scheduler });
    expectObservable(looks$.pipe(map(() => "x")), "20s !");
  });
  return found;
}

describe("a look", () => {
  test("takes together what began within 10 ms, and what came during the look before", () => {
    const values = { a: ends(1), b: ends(2, 2), c: ends(4), d: ends(5) };
    expect(looked("a 4ms b 5ms (c) 1s d", values)).toEqual([
      { atMs: 10, ports: [1, 2, 3] },
      { atMs: 60, ports: [4] },
      { atMs: 1_024, ports: [5] },
    ]);
  });

  test("F12 waits until the ones before are paid for: at 2 % of a core 10 ms of CPU are spent every 500 ms", () => {
    const values = { a: ends(1) };
    const times = looked(`${"a 99ms ".repeat(150)}a`, values, 10).map(({ atMs }) => atMs);
    expect(times.slice(-3).map((at, i, list) => at - (list[i - 1] ?? at - 500))).toEqual([500, 500, 500]);
    expect(times.length * 10).toBeLessThanOrEqual(15_000 * 0.02 + 2_000 * 0.02 + 10);
  });

  test("is at the newest when too many began", () => {
    const [look] = looked("a", { a: ends(0, 10_000) });
    expect(look!.ports.length).toBe(512);
    expect(Math.min(...look!.ports)).toBe(10_000 - 512);
  });

  test("ends with what it looks at, after the last look", () => {
    expect(looked("a|", { a: ends(7) })).toEqual([{ atMs: 10, ports: [7] }]);
  });
});
