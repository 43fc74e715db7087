/** A reporter's life as its host sees it: states, signals, failures, and what is left at the end. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SocketTable } from "@conntrail/model";
import { createReporter, isOptionError, type Logger, type Reporter, type ReporterOptions } from "@conntrail/reporter";
import { Registry } from "prom-client";
import { firstValueFrom, lastValueFrom, Subject, toArray } from "rxjs";
import { describe, expect, test } from "vitest";
import { HOST } from "../stages/flow-fixture.ts";
import { namespace, table } from "../stages/socket-fixture.ts";

const QUIET: ReporterOptions = { conntrack: false, sockets: false, names: false, intervalMs: 0 };

/** What it said, as `level: sentence`. */
function listening(): { logger: Logger; said: string[] } {
  const said: string[] = [];
  const at = (level: string) => (_: object, message: string) => void said.push(`${level}: ${message}`);
  return { logger: { info: at("info"), warn: at("warn"), error: at("error") }, said };
}

/** All states, to the end. */
const statesOf = (reporter: Reporter): Promise<string[]> =>
  lastValueFrom(reporter.state$.pipe(toArray()), { defaultValue: [] });

/** A scanner whose every value makes the pipeline stumble. */
function breaking(): { scanner: Subject<SocketTable>; shake(): void } {
  const scanner = new Subject<SocketTable>();
  return { scanner, shake: () => scanner.next({ rows: new Uint32Array(0), namespaces: null } as never) };
}

/** How often the pipeline was started anew. */
async function restartsOf(metrics: Registry): Promise<number> {
  const { values } = await metrics.getSingleMetric("conntrail_worker_restarts_total")!.get();
  return values.find(({ labels }) => labels.part === "pipeline")!.value;
}

describe("state$", () => {
  test("goes from starting to ready to closing to closed, and completes", async () => {
    const reporter = createReporter(QUIET);
    expect(reporter.state).toBe("starting");
    const states = statesOf(reporter);
    await reporter.ready;
    expect(reporter.state).toBe("ready");
    await reporter.close();
    expect(await states).toEqual(["starting", "ready", "closing", "closed"]);
    expect(await statesOf(reporter)).toEqual([]);
  });

  test("says degraded while a source does not work wholly", async () => {
    const { scanner } = breaking();
    await using reporter = createReporter({ ...QUIET, sockets: true, conntrack: true, scanner, procRoot: "/nowhere" });
    const wanted = reporter.report().then(({ health }) => health.sockets.reason);
    expect(await wanted).not.toBe(null);
    expect(["starting", "degraded"]).toContain(reporter.state);
  });
});

describe("a signal", () => {
  test("closes the reporter", async () => {
    const stop = new AbortController();
    const reporter = createReporter({ ...QUIET, signal: stop.signal });
    await reporter.ready;
    const states = statesOf(reporter);
    stop.abort();
    expect(await states).toEqual(["ready", "closing", "closed"]);
    await expect(reporter.report()).rejects.toThrow(/closed/);
  });

  test("that was given before closes it at once", async () => {
    const reporter = createReporter({ ...QUIET, signal: AbortSignal.abort() });
    expect(await statesOf(reporter)).toEqual(["closing", "closed"]);
  });
});

describe("a pipeline that breaks", () => {
  test("is started anew, and the host is told by metric, state and logger", async () => {
    const { scanner, shake } = breaking();
    const { logger, said } = listening();
    const metrics = new Registry();
    await using reporter = createReporter({ ...QUIET, sockets: true, scanner, logger, metrics });
    await reporter.report();
    expect(await restartsOf(metrics)).toBe(0);
    shake();
    await expect.poll(() => restartsOf(metrics), { timeout: 10_000 }).toBe(1);
    expect(said).toEqual(["warn: the pipeline failed and is started anew"]);
    expect((await reporter.report()).sequence).toBe(2);
  }, 30_000);

  test("counts on: what the pipeline before had counted stays counted", async () => {
    const { scanner, shake } = breaking();
    const scanned = (): void => {
      const told = table(Date.now(), [], { namespaces: [namespace(HOST, "10.0.0.1")] });
      scanner.next({ ...told, health: { ...told.health, scans: 3, undecodable: 2 } });
    };
    const metrics = new Registry();
    await using reporter = createReporter({ ...QUIET, sockets: true, trace: false, scanner, metrics });
    scanned();
    const count = async (): Promise<object> => (await reporter.report()).health.sockets;
    await expect.poll(count).toMatchObject({ scans: 3, undecodable: 2 });
    shake();
    await expect.poll(() => restartsOf(metrics), { timeout: 10_000 }).toBe(1);
    expect(await count()).toMatchObject({ scans: 3, undecodable: 2 });
    scanned();
    await expect.poll(count).toMatchObject({ scans: 6, undecodable: 4 });
  }, 30_000);

  test("and cannot start at once is tried again: what prevents it, such as a folder that is away for a moment, may pass", async () => {
    const folder = mkdtempSync(join(tmpdir(), "conntrail-lifecycle-"));
    const gone = join(folder, "gone");
    mkdirSync(gone);
    const { scanner, shake } = breaking();
    const metrics = new Registry();
    const record = { path: join(gone, "flows.pcapng") };
    await using reporter = createReporter({ ...QUIET, sockets: true, scanner, metrics, record });
    await reporter.report();
    rmSync(gone, { recursive: true });
    shake();
    // Once for the pipeline that broke, and once for the next one, which could not start.
    await expect.poll(() => restartsOf(metrics), { timeout: 20_000 }).toBe(2);
    mkdirSync(gone);
    expect((await reporter.report()).health.conntrack.reason).toBe("switched-off");
    rmSync(folder, { recursive: true });
  }, 60_000);

  test("too often ends the reporter with one clear error, everywhere the same", async () => {
    const { scanner, shake } = breaking();
    const { logger, said } = listening();
    const reporter = createReporter({ ...QUIET, sockets: true, scanner, logger, maxRestarts: 0 });
    const failed = lastValueFrom(reporter.reports$, { defaultValue: undefined }).then(
      () => "completed",
      (error: Error) => error.message,
    );
    await reporter.report();
    shake();
    expect(await failed).toMatch(/^the pipeline failed: .*\(failed 1 times within ten minutes\)$/);
    await expect(reporter.report()).rejects.toThrow(/^the pipeline failed: /);
    expect(said.at(-1)).toBe("warn: the reporter has failed for good");
    expect(reporter.state).toBe("closed");
    await reporter.close();
  }, 30_000);
});

test("the pipeline's thread gives way as far as it was told, once it is ready, and no other thread of the process does", async () => {
  // Field 19 of /proc/PID/task/TID/stat (proc_pid_stat(5)), the 17th behind the name.
  const niceOf = (task: string): number =>
    Number(readFileSync(`/proc/self/task/${task}/stat`, "utf8").split(") ").at(-1)!.split(" ")[16]);
  const nices = (): number[] => readdirSync("/proc/self/task").map(niceOf);
  const before = nices().filter((nice) => nice === 7).length;
  await using reporter = createReporter({ ...QUIET, nice: 7 });
  await reporter.report();
  expect(nices().filter((nice) => nice === 7).length).toBe(before + 1);
}, 30_000);

test("N26 a reporter that is closed at once ends without an error, however busy the machine", async () => {
  const ended = Array.from({ length: 6 }, async () => {
    const reporter = createReporter({ names: false, namespaces: "own" });
    const all = lastValueFrom(reporter.reports$.pipe(toArray()), { defaultValue: [] });
    await reporter.close();
    return (await all).length;
  });
  for (const count of await Promise.all(ended)) expect(count).toBeLessThanOrEqual(1);
}, 60_000);

test("several reporters in one process are apart, and their threads and descriptors go with them", async () => {
  const threads = (): number => readdirSync("/proc/self/task").length;
  const descriptors = (): number => readdirSync("/proc/self/fd").length;
  const cycle = async (): Promise<void> => {
    const reporters = [createReporter(QUIET), createReporter(QUIET)];
    const reports = await Promise.all(reporters.map((reporter) => reporter.report()));
    expect(reports.map(({ sequence }) => sequence)).toEqual([1, 1]);
    await Promise.all(reporters.map((reporter) => reporter.close()));
  };
  await cycle();
  const before = { threads: threads(), descriptors: descriptors() };
  for (let i = 0; i < 4; i++) await cycle();
  await expect.poll(() => ({ threads: threads(), descriptors: descriptors() })).toEqual(before);
}, 60_000);

test("N17 a second reporter on one registry needs a prefix of its own, and says so", async () => {
  const metrics = new Registry();
  await using _first = createReporter({ ...QUIET, metrics });
  const second = (options: ReporterOptions): unknown => {
    try {
      return createReporter({ ...QUIET, metrics, ...options });
    } catch (error) {
      return error;
    }
  };
  const refused = second({});
  expect(refused).toSatisfy(isOptionError);
  expect((refused as Error).message).toMatch(/^metricsPrefix: expected a prefix of its own/);
  const other = second({ metricsPrefix: "other_" }) as Reporter;
  await other.close();
}, 30_000);

test("N17 counters with labels are there from the beginning, at 0", async () => {
  const metrics = new Registry();
  const sinks = [{ name: "nowhere", encoding: null, deliver: () => {} }];
  await using _reporter = createReporter({ ...QUIET, metrics, sinks });
  const text = await metrics.metrics();
  expect(text).toContain('conntrail_worker_restarts_total{part="ingest"} 0');
  expect(text).toContain('conntrail_conntrack_events_total{type="new"} 0');
  expect(text).toContain('conntrail_sink_deliveries_total{sink="nowhere",outcome="failed"} 0');
});

test("N11 a sink that fails is told once, and again when it works", async () => {
  const { logger, said } = listening();
  let fails = true;
  const deliver = async (): Promise<void> => {
    if (fails) throw new Error("no route to host");
  };
  await using reporter = createReporter({ ...QUIET, logger, sinks: [{ name: "far", encoding: null, deliver }] });
  for (let i = 0; i < 3; i++) await reporter.report();
  fails = false;
  await reporter.report();
  await expect.poll(() => said).toEqual(["warn: a sink fails", "info: the sink far works again"]);
  expect(await firstValueFrom(reporter.state$, { defaultValue: "closed" })).toBe("ready");
}, 30_000);
