import { paced } from "@conntrail/scan";
import { map, type Observable, take, tap, throwError, timer } from "rxjs";
import { TestScheduler } from "rxjs/testing";
import { describe, expect, test } from "vitest";

/** Work that takes `lastsMs` and `cpuMs` of CPU; its value is the time at which it began. */
interface Work {
  readonly lastsMs: number;
  readonly cpuMs: number;
}

/** Runs `pace` in virtual time for `untilMs`; returns when work began, and when two were under way at once. */
function begins(
  untilMs: number,
  works: (n: number) => Work,
  pace: { intervalMs: number; cpuBudget: number; triggers?: string },
): number[] {
  const began: number[] = [];
  const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
  scheduler.run(({ hot, expectObservable }) => {
    let running = 0;
    const work = (): Observable<{ cpuMs: number }> => {
      expect(++running).toBe(1);
      began.push(scheduler.now());
      const { lastsMs, cpuMs } = works(began.length);
      return timer(lastsMs, scheduler).pipe(
        tap(() => running--),
        map(() => ({ cpuMs })),
      );
    };
    const trigger$ = pace.triggers === undefined ? undefined : hot(pace.triggers);
    const paced$ = paced(work, { ...pace, scheduler, ...(trigger$ === undefined ? {} : { trigger$ }) });
    expectObservable(paced$.pipe(map(() => "x")), `${untilMs}ms !`);
  });
  return began;
}

describe("paced work", () => {
  test("begins at once and then every interval, counted from start to start", () => {
    expect(begins(3500, () => ({ lastsMs: 200, cpuMs: 1 }), { intervalMs: 1000, cpuBudget: 0.1 })).toEqual([
      0, 1000, 2000, 3000,
    ]);
  });

  test("F19 work that takes longer than the interval is never done twice at once, and does not pile up", () => {
    expect(begins(8000, () => ({ lastsMs: 2500, cpuMs: 1 }), { intervalMs: 1000, cpuBudget: 1 })).toEqual([
      0, 2500, 5000, 7500,
    ]);
  });

  test("S19 F12 expensive work waits until it is paid for: at a tenth of a core 200 ms of CPU are done every 2 s", () => {
    const starts = begins(30_000, () => ({ lastsMs: 200, cpuMs: 200 }), { intervalMs: 1000, cpuBudget: 0.1 });
    expect(starts.slice(-4).map((at, i, list) => at - (list[i - 1] ?? at - 2000))).toEqual([2000, 2000, 2000, 2000]);
    expect(starts.length * 200).toBeLessThanOrEqual(30_000 * 0.1 + 500 + 200);
  });

  test("S19 one expensive first time does not hold up what follows", () => {
    const starts = begins(3500, (n) => ({ lastsMs: n === 1 ? 400 : 20, cpuMs: n === 1 ? 400 : 20 }), {
      intervalMs: 1000,
      cpuBudget: 0.1,
    });
    expect(starts).toEqual([0, 1000, 2000, 3000]);
  });

  test("a request is answered at once when the budget allows, and the interval counts from there", () => {
    const triggers = "300ms a 1999ms b 3000ms |";
    expect(begins(3400, () => ({ lastsMs: 10, cpuMs: 1 }), { intervalMs: 1000, cpuBudget: 0.1, triggers })).toEqual([
      0, 300, 1300, 2300, 3300,
    ]);
  });

  test("requests during work are answered together, once, right after it", () => {
    const triggers = "100ms a 10ms b 10ms c 4000ms |";
    expect(begins(1200, () => ({ lastsMs: 500, cpuMs: 1 }), { intervalMs: 2000, cpuBudget: 0.1, triggers })).toEqual([
      0, 500,
    ]);
  });

  test("requests are held to the budget too", () => {
    const triggers = `${"9ms a ".repeat(300)} |`;
    const starts = begins(2900, () => ({ lastsMs: 5, cpuMs: 50 }), { intervalMs: 1000, cpuBudget: 0.1, triggers });
    // 500 ms saved up at the start, and 100 ms more for every second.
    expect(starts.length).toBeLessThanOrEqual(10 + 6 + 1);
    expect(starts.length).toBeGreaterThanOrEqual(10);
  });

  test("an error of the work ends it, and no further work begins", () => {
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
    scheduler.run(({ expectObservable }) => {
      let began = 0;
      const broken = new Error("broken");
      const work = (): Observable<{ cpuMs: number }> =>
        ++began === 2 ? throwError(() => broken) : timer(10, scheduler).pipe(map(() => ({ cpuMs: 1 })));
      const paced$ = paced(work, { intervalMs: 1000, cpuBudget: 0.1, scheduler }).pipe(map(() => "x"));
      expectObservable(paced$).toBe("10ms x 989ms #", undefined, broken);
    });
  });

  test("each subscription has a pace of its own", () => {
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
    scheduler.run(({ expectObservable }) => {
      const work = (): Observable<{ cpuMs: number }> => timer(10, scheduler).pipe(map(() => ({ cpuMs: 100 })));
      const paced$ = paced(work, { intervalMs: 1000, cpuBudget: 0.1, scheduler }).pipe(
        map(() => "x"),
        take(2),
      );
      expectObservable(paced$).toBe("10ms x 999ms (x|)");
      expectObservable(paced$, "500ms ^").toBe("510ms x 999ms (x|)");
    });
  });
});
