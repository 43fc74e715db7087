/** The reporter as an embedding program sees it. No conntrack and no real sockets: tables come from an injected scanner. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Report } from "@conntrail/report";
import { createReporter, type Delivery, type ReporterOptions, type Sink } from "@conntrail/reporter";
import { Registry } from "prom-client";
import { firstValueFrom, NEVER, Subject, startWith, toArray } from "rxjs";
import { describe, expect, test } from "vitest";
import { HOST } from "../stages/flow-fixture.ts";
import { listener, namespace, owner, socket, table } from "../stages/socket-fixture.ts";

const CURL = owner(101, "curl");
const NGINX = owner(202, "nginx");

/** A connection to a local web server, seen from both ends, at this very moment: the reporter's clock is the real one. */
function scanned(): ReturnType<typeof table> {
  const sockets = [
    listener("0.0.0.0:80").of(NGINX),
    socket("10.0.0.1:40000 > 10.0.0.1:80").of(CURL),
    socket("10.0.0.1:80 > 10.0.0.1:40000").of(NGINX),
  ];
  return table(Date.now(), sockets, { namespaces: [namespace(HOST, "10.0.0.1")] });
}

const QUIET: ReporterOptions = { conntrack: false, names: false, intervalMs: 0, hostId: "h1", hostName: "one" };

describe("a reporter", () => {
  test("S1 is named Endpoint, carries the host's id and name, and takes its sockets from an injected scanner", async () => {
    await using reporter = createReporter({ ...QUIET, scanner: NEVER.pipe(startWith(scanned())) });
    expect(reporter.name).toBe("Endpoint");
    await reporter.ready;
    const report = await reporter.report();
    expect(report.host).toMatchObject({ id: "h1", name: "one" });
    const [connection, ...rest] = [...report.connections()];
    expect(rest).toEqual([]);
    expect(connection!.from).toMatchObject({ address: "10.0.0.1", port: 40000, pid: 101, process: "curl" });
    expect(connection!.to).toMatchObject({ address: "10.0.0.1", port: 80, pid: 202, process: "nginx" });
    expect(connection!.direction).toMatchObject({ evidence: "listener", confidence: "certain" });
  });

  test("S1 has switches for conntrack, sockets and processes, and health tells which are off", async () => {
    await using reporter = createReporter({ ...QUIET, sockets: false });
    await reporter.ready;
    const { health } = await reporter.report();
    expect(health.conntrack).toMatchObject({ state: "off", reason: "switched-off" });
    expect(health.sockets).toMatchObject({ state: "off", reason: "switched-off" });
  });

  test("S1 refuses options that cannot work", () => {
    expect(() => createReporter({ ...QUIET, intervalMs: 1 })).toThrow(RangeError);
    expect(() => createReporter({ ...QUIET, hostId: "a;b" })).toThrow(RangeError);
  });

  test("S2 gives a report when asked, and the same one to whoever is subscribed", async () => {
    await using reporter = createReporter({ ...QUIET, sockets: false });
    const pushed = firstValueFrom(reporter.reports$, { defaultValue: undefined });
    const pulled = await reporter.report();
    expect(await pushed).toBe(pulled);
    expect((await reporter.report()).sequence).toBe(pulled.sequence + 1);
  });

  test("S2 gives reports at its interval, without gaps in their sequence or windows", async () => {
    await using reporter = createReporter({ ...QUIET, sockets: false, intervalMs: 50 });
    const reports: Report[] = [];
    for await (const report of reporter) {
      reports.push(report);
      if (reports.length === 4) break;
    }
    for (const [i, report] of reports.entries()) {
      if (i === 0) continue;
      expect(report.sequence).toBe(reports[i - 1]!.sequence + 1);
      expect(report.window.start).toEqual(reports[i - 1]!.window.end);
    }
  });

  test("S3 closing is idempotent, sends a last report, completes the stream, and refuses further requests", async () => {
    const reporter = createReporter({ ...QUIET, sockets: false });
    const all = firstValueFrom(reporter.reports$.pipe(toArray()), { defaultValue: [] });
    await reporter.report();
    const startedMs = performance.now();
    await Promise.all([reporter.close(), reporter.close()]);
    expect(performance.now() - startedMs).toBeLessThan(2000);
    expect(await all).toHaveLength(2);
    await expect(reporter.report()).rejects.toThrow(/closed/);
  });

  test("S3 nothing outlives close: a program that closes its reporter ends by itself", async () => {
    const program = `
      import { createReporter } from "@conntrail/reporter";
      const reporter = createReporter({ intervalMs: 100 });
      await reporter.report();
      await reporter.close();
      const left = process.getActiveResourcesInfo().filter((name) => !/^(PipeWrap|TTYWrap|FSReqPromise|TickObject)$/.test(name));
      console.log(JSON.stringify(left));`;
    const run = promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
      cwd: import.meta.dirname,
      timeout: 20_000,
    });
    expect(JSON.parse((await run).stdout)).toEqual([]);
  }, 30_000);
});

describe("sinks", () => {
  /** A sink that notes what it is given and waits for `release` each time. */
  function slowSink(): { sink: Sink; got: Delivery[]; release: Subject<void> } {
    const got: Delivery[] = [];
    const release = new Subject<void>();
    const deliver = async (delivery: Delivery): Promise<void> => {
      got.push(delivery);
      await firstValueFrom(release, { defaultValue: undefined });
    };
    return { sink: { name: "slow", encoding: { format: "json", gzip: false }, deliver }, got, release };
  }

  async function outcomes(registry: Registry): Promise<Record<string, number>> {
    const { values } = await registry.getSingleMetric("conntrail_sink_deliveries_total")!.get();
    const happened = values.filter(({ value }) => value > 0);
    return Object.fromEntries(happened.map(({ labels, value }) => [`${labels.sink} ${labels.outcome}`, value]));
  }

  test("a sink gets the bytes it asked for, encoded as the report says", async () => {
    const { sink, got, release } = slowSink();
    const reporter = createReporter({ ...QUIET, sockets: false, sinks: [sink] });
    const report = await reporter.report();
    expect(Buffer.from(got[0]!.bytes!).toString()).toBe(JSON.stringify(report));
    const closing = reporter.close();
    const pushing = setInterval(() => release.next(), 10);
    await closing;
    clearInterval(pushing);
  });

  test("a slow sink loses the oldest reports beyond its queue, and a failing one is counted; neither stops the reporter", async () => {
    const { sink, got, release } = slowSink();
    const failing: Sink = { name: "failing", encoding: null, deliver: () => Promise.reject(new Error("no")) };
    const metrics = new Registry();
    const reporter = createReporter({ ...QUIET, sockets: false, metrics, sinks: [sink, failing] });
    for (let i = 0; i < 7; i++) await reporter.report();
    expect(await outcomes(metrics)).toEqual({ "slow dropped": 2, "failing failed": 7 });
    for (let i = 0; i < 20; i++) {
      release.next();
      await new Promise(setImmediate);
    }
    expect(got.map(({ report }) => report.sequence)).toEqual([1, 4, 5, 6, 7]);
    expect(await outcomes(metrics)).toEqual({ "slow dropped": 2, "slow delivered": 5, "failing failed": 7 });
    const pushing = setInterval(() => release.next(), 10);
    await reporter.close();
    clearInterval(pushing);
  });

  test("a sink that never finishes does not hold the closing up", async () => {
    const { sink } = slowSink();
    const reporter = createReporter({ ...QUIET, sockets: false, sinks: [sink] });
    await reporter.report();
    const startedMs = performance.now();
    await reporter.close();
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });
});
