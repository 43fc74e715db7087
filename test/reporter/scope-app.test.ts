/** The publisher against a real HTTP server on the loopback. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync, gzipSync } from "node:zlib";
import { type Delivery, scopeApp } from "@conntrail/reporter";
import { afterEach, describe, expect, test } from "vitest";

interface Received {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

let server: Server | undefined;
afterEach(() => server?.close());

/** Answers request `n` (from 0) with the n-th status; later ones with the last. */
async function appAnswering(...statuses: number[]): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      response.statusCode = statuses[Math.min(received.length, statuses.length - 1)]!;
      received.push({ path: request.url!, headers: request.headers, body: Buffer.concat(chunks) });
      response.end(response.statusCode === 200 ? "" : '"no"');
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

const delivery = { bytes: gzipSync('{"Endpoint":{}}') } as unknown as Delivery;
const never = new AbortController().signal;
const QUICK = { backoffMs: 1 };

describe("the publisher to a Scope app", () => {
  test("posts gzipped JSON to /api/report", async () => {
    const { url, received } = await appAnswering(200);
    await scopeApp(url, QUICK).deliver(delivery, never);
    expect(received).toHaveLength(1);
    expect(received[0]!.path).toBe("/api/report");
    expect(received[0]!.headers).toMatchObject({ "content-type": "application/json", "content-encoding": "gzip" });
    expect(gunzipSync(received[0]!.body).toString()).toBe('{"Endpoint":{}}');
  });

  test("tries again after a server error, with the same bytes", async () => {
    const { url, received } = await appAnswering(503, 500, 200);
    await scopeApp(url, QUICK).deliver(delivery, never);
    expect(received).toHaveLength(3);
    expect(received[2]!.body).toEqual(received[0]!.body);
  });

  test("does not try again what the app refuses, and says what it answered", async () => {
    const { url, received } = await appAnswering(400);
    await expect(scopeApp(url, QUICK).deliver(delivery, never)).rejects.toThrow(/HTTP 400: "no"/);
    expect(received).toHaveLength(1);
  });

  test("gives up after its tries", async () => {
    const { url, received } = await appAnswering(500);
    await expect(scopeApp(url, { ...QUICK, tries: 3 }).deliver(delivery, never)).rejects.toThrow(/HTTP 500/);
    expect(received).toHaveLength(3);
  });

  test("takes user and password out of the URL, for a header and not for its messages", async () => {
    const { url, received } = await appAnswering(200, 401);
    const sink = scopeApp(url.replace("//", "//me:p%40ss@"), QUICK);
    await sink.deliver(delivery, never);
    expect(received[0]!.headers.authorization).toBe(`Basic ${Buffer.from("me:p@ss").toString("base64")}`);
    await expect(sink.deliver(delivery, never)).rejects.toThrow(/^http:\/\/127.0.0.1:\d+\/api\/report: HTTP 401/);
    await sink.close?.();
  });

  test("sends further headers, and refuses what is none, and what is no URL", async () => {
    const { url, received } = await appAnswering(200);
    const sink = scopeApp(url, { ...QUICK, headers: { "X-Scope-Token": "t" } });
    await sink.deliver(delivery, never);
    await sink.close?.();
    expect(received[0]!.headers["x-scope-token"]).toBe("t");
    expect(() => scopeApp(url, { headers: { "no header": "x" } })).toThrow(/no header/);
    expect(() => scopeApp(url, { headers: { "X-Token": "a\nb" } })).toThrow(/headers.X-Token/);
    expect(() => scopeApp("ftp://app")).toThrow(/url/);
  });

  test.each([[401], [413], [503]])("N11 tells once that HTTP %i is the answer, and when it is over", async (status) => {
    const { url } = await appAnswering(status, status, status, 200, 200);
    const told: string[] = [];
    const sink = scopeApp(url, { tries: 1, onOutage: (message) => told.push(message) });
    for (let i = 0; i < 3; i++) await expect(sink.deliver(delivery, never)).rejects.toThrow(`HTTP ${status}`);
    for (let i = 0; i < 2; i++) await sink.deliver(delivery, never);
    await sink.close?.();
    expect(told).toEqual([
      `publishing to ${url} fails: ${url}/api/report: HTTP ${status}: "no"; it goes on trying, and says so when it works again`,
      `publishing to ${url} works again; reports not taken meanwhile: 3`,
    ]);
  });

  test("sends a report again until another follows, so that the app does not forget it, and not after the end", async () => {
    const { url, received } = await appAnswering(200);
    const sink = scopeApp(url, { ...QUICK, resendMs: 20 });
    await sink.deliver(delivery, never);
    await expect.poll(() => received.length).toBeGreaterThanOrEqual(3);
    const other = { bytes: gzipSync("{}") } as unknown as Delivery;
    await sink.deliver(other, never);
    const before = received.length;
    await expect.poll(() => received.length).toBeGreaterThanOrEqual(before + 2);
    for (const { body } of received.slice(before)) expect(gunzipSync(body).toString()).toBe("{}");
    await sink.close?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const atEnd = received.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(received.length).toBe(atEnd);
  });

  test("gives up at once when the reporter closes", async () => {
    const { url } = await appAnswering(500);
    const abort = new AbortController();
    const posting = scopeApp(url, { backoffMs: 60_000 }).deliver(delivery, abort.signal);
    setTimeout(() => abort.abort(new Error("closed")), 50);
    await expect(posting).rejects.toThrow();
  });
});
