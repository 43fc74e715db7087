/** OpenTelemetry: what arrives at a receiver, against the reports that were sent. Needs the official packages, which are not among the dependencies. */
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import type { Report } from "@conntrail/report";
import { replayReports } from "@conntrail/reporter";
import { otlp } from "@conntrail/store/otlp";
import { expect, test } from "vitest";
import { KERNEL_SKIP } from "../lab/kernel.ts";
import { makeOwner, type Row } from "../report/content.ts";
import { reportOf } from "./reports.ts";

const SHOP = new URL("../../samples/shop.pcapng", import.meta.url).pathname;

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: string | number; readonly boolValue?: boolean };
}
interface Point {
  readonly asDouble?: number;
  readonly asInt?: string | number;
  readonly attributes: readonly Attribute[];
}

otlpTest("the sums of metrics and the log events at a receiver are those of the reports", async () => {
  await using receiver = await listen();
  const sink = otlp({ url: receiver.url, intervalMs: 1000 });
  const reports: Report[] = [];
  for await (const report of replayReports(SHOP)) {
    reports.push(report);
    await sink.deliver({ report }, new AbortController().signal);
  }
  await sink.close();

  const ended = reports.flatMap((report) =>
    [...report.connections()].filter(({ state }) => state === "closed" || state === "failed"),
  );
  const count = (state: string): number => ended.filter((c) => c.state === state).reduce((sum, c) => sum + c.count, 0);
  expect(count("closed")).toBeGreaterThan(0);
  expect(receiver.sum("conntrail.connection.closed")).toBe(count("closed"));
  expect(receiver.sum("conntrail.connection.failed")).toBe(count("failed"));
  expect(receiver.logs.length).toBe(ended.length);
  const ports = (c: { from: { address: string; port: number }; to: { port: number } }): string =>
    `${c.from.address} ${c.from.port} ${c.to.port}`;
  expect(
    receiver.logs
      .map(
        (log) =>
          `${log["client.address"] ?? log["source.address"]} ${log["client.port"] ?? log["source.port"]} ${log["server.port"] ?? log["destination.port"]}`,
      )
      .sort(),
  ).toEqual(ended.map(ports).sort());
  for (const point of receiver.points("conntrail.connection.closed")) {
    expect(Object.keys(point), "no series a client port").not.toContain("client.port");
  }
});

otlpTest(
  "words are client and server where the direction is known, else source and destination; bytes are counted once, by direction",
  async () => {
    await using receiver = await listen();
    const sink = otlp({ url: receiver.url, intervalMs: 1000 });
    const startMs = Date.now() - 60_000;
    const known = (bytes: number): Row => ({
      from: "10.0.0.1 40000",
      to: "10.0.0.9 443",
      flags: ["fromLocal"],
      fromOwner: makeOwner(7, "curl"),
      counters: [1, bytes, 1, bytes * 10],
    });
    const unknown: Row = {
      from: "10.0.0.2 1",
      to: "10.0.0.3 2",
      evidence: "none",
      confidence: "none",
      state: "closed",
    };
    const signal = new AbortController().signal;
    await sink.deliver({ report: reportOf(startMs, 1, [known(100)]) }, signal);
    await sink.deliver({ report: reportOf(startMs, 3, [known(150)]) }, signal);
    await sink.deliver({ report: reportOf(startMs, 4, [{ ...known(160), state: "closed" }, unknown]) }, signal);
    await sink.close();
    expect(receiver.sum("conntrail.connection.opened")).toBe(2);
    expect(receiver.sum("conntrail.connection.io", { "network.io.direction": "transmit" })).toBe(160);
    expect(receiver.sum("conntrail.connection.io", { "network.io.direction": "receive" })).toBe(1600);
    expect(receiver.points("conntrail.connection.closed")).toEqual([
      expect.objectContaining({
        "client.address": "10.0.0.1",
        "server.address": "10.0.0.9",
        "server.port": 443,
        "process.executable.name": "curl",
      }),
      expect.objectContaining({
        "source.address": "10.0.0.2",
        "destination.address": "10.0.0.3",
        "destination.port": 2,
      }),
    ]);
    expect(receiver.resource).toMatchObject({ "service.name": "conntrail", "host.id": expect.any(String) });
  },
);

test("without OpenTelemetry's packages the error says what to install", async () => {
  if (hasPackages()) return expect(() => otlp({ url: "nonsense" })).toThrow("expected http://host:4318");
  expect(() => otlp({ url: "http://127.0.0.1:4318" })).toThrow(/npm install @opentelemetry\/api/);
});

function otlpTest(name: string, run: () => Promise<void>): void {
  test(name, { timeout: 60_000 }, async ({ skip }) => {
    if (!hasPackages())
      skip(
        `${KERNEL_SKIP}not installed: OpenTelemetry's packages (see load-opentelemetry.ts; NODE_PATH=DIR/node_modules)`,
      );
    await run();
  });
}

function hasPackages(): boolean {
  try {
    createRequire(import.meta.url).resolve("@opentelemetry/exporter-logs-otlp-http");
    return true;
  } catch {
    return false;
  }
}

/** A receiver of OTLP over HTTP in JSON. Sums are cumulative: the last point of each series counts. */
async function listen() {
  const series = new Map<string, Map<string, { value: number; attributes: Record<string, unknown> }>>();
  const logs: Record<string, unknown>[] = [];
  const state = { resource: {} as Record<string, unknown> };
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const raw = Buffer.concat(chunks);
      const body = JSON.parse((request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw).toString());
      for (const { resource, scopeMetrics } of body.resourceMetrics ?? []) {
        state.resource = plain(resource.attributes);
        for (const metric of scopeMetrics.flatMap((scope: { metrics: unknown[] }) => scope.metrics)) {
          const known = series.get(metric.name) ?? new Map();
          for (const point of metric.sum.dataPoints as Point[]) {
            const attributes = plain(point.attributes);
            known.set(JSON.stringify(attributes), { value: Number(point.asDouble ?? point.asInt), attributes });
          }
          series.set(metric.name, known);
        }
      }
      for (const { scopeLogs } of body.resourceLogs ?? []) {
        for (const record of scopeLogs.flatMap((scope: { logRecords: unknown[] }) => scope.logRecords))
          logs.push(plain(record.attributes));
      }
      response.setHeader("Content-Type", "application/json");
      response.end("{}");
    });
  });
  server.listen(0, "127.0.0.1");
  while (!server.listening) await sleep(5);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    logs,
    get resource(): Record<string, unknown> {
      return state.resource;
    },
    sum(name: string, where: Record<string, unknown> = {}): number {
      const points = [...(series.get(name)?.values() ?? [])];
      return points
        .filter(({ attributes }) => Object.entries(where).every(([key, value]) => attributes[key] === value))
        .reduce((sum, { value }) => sum + value, 0);
    },
    points: (name: string) => [...(series.get(name)?.values() ?? [])].map(({ attributes }) => attributes),
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function plain(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.boolValue ?? Number(value.intValue)]),
  );
}
