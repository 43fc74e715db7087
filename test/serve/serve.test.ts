/** The HTTP server: what it gives, and whom it refuses. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { viewReport } from "@conntrail/report";
import { parseListenAddress } from "@conntrail/serve";
import { describe, expect, test } from "vitest";
import { sample } from "../query/samples.ts";
import { makeContent } from "../report/content.ts";
import { listen } from "./listen.ts";
import { ask, busyReport, startServer } from "./stream.ts";

test("a report is the contract's JSON, whole, filtered, grouped and capped", async () => {
  const served = await startServer();
  const { report, connections } = await sample("shop.pcapng");
  expect((await ask(served.address, "/api/report")).status).toBe(503);
  served.push(report);
  const get = async (query: string): Promise<never> =>
    JSON.parse((await ask(served.address, `/api/report${query}`)).body) as never;
  expect(await get("")).toEqual(report.toJSON());
  const filter = encodeURIComponent('nat != null && state == "closed"');
  expect(await get(`?filter=${filter}`)).toMatchObject({
    connections: connections.filter(({ nat, state }) => nat !== null && state === "closed"),
  });
  expect(await get("?by=process,service")).toMatchObject({
    schema: "conntrail.groups/1",
    by: ["from", "to", "service"],
  });
  expect(await get("?limit=2")).toMatchObject({ elided: { rows: connections.length - 2 } });
  expect(await get("?filter=to.prot==1")).toMatchObject({ code: "unknown-field", column: 1 });
  await served.close();
});

test("changes are a beginning and then news: opened, changed, closed and gone, each once, and bytes that are others", async () => {
  const served = await startServer();
  served.push(busyReport(1, 1200, 100));
  await using events = await listen(served.address, "/api/changes");
  await expect.poll(() => events.names).toEqual(["snapshot", "living", "living", "living"]);
  expect(events.of("snapshot")).toEqual([{ length: 1200, lost: 0 }]);
  const living = new Set(events.of("living").flatMap(({ connections }) => connections.map(({ id }) => id)));
  expect(living.size).toBe(1200);
  served.push(busyReport(2, 1200, 100));
  await expect.poll(() => events.names.slice(4)).toEqual(["changes", "bytes", "report"]);
  const [news] = events.of("changes");
  expect([news!.opened.length, news!.changed.length, news!.closed.length, news!.gone]).toEqual([100, 0, 100, []]);
  expect(news!.closed.every(({ id }) => living.has(id))).toBe(true);
  expect(events.of("bytes")[0]!.bytes).toHaveLength(1200);
  served.push(busyReport(2, 1200, 100));
  await expect.poll(() => events.names.slice(7)).toEqual(["report"]);
  served.push(viewReport(makeContent([])));
  await expect.poll(() => events.of("changes").at(-1)!.gone.length).toBe(1200);
  await served.close();
});

test("a connection that ends while somebody asks why is explained as it was told last", async () => {
  const host = (state: "established" | "closed"): ReturnType<typeof viewReport> =>
    viewReport(makeContent([{ id: 7, from: "10.0.0.2 1024", to: "10.0.0.9 443", state }]));
  const asked: (string | undefined)[] = [];
  // As the reporter: of a number alone it explains one that lives, and this one has just ended.
  const served = await startServer({
    why: (_id, ended) => {
      asked.push(ended?.state);
      if (ended === undefined) served.push(host("closed"));
      return Promise.resolve(ended === undefined ? undefined : { connection: ended });
    },
  });
  served.push(host("established"));
  await using events = await listen(served.address, "/api/changes");
  await expect.poll(() => events.names).toEqual(["snapshot", "living"]);
  const { status, body } = await ask(served.address, "/api/why?id=7");
  expect({ status, asked }).toEqual({ status: 200, asked: [undefined, "closed"] });
  expect(JSON.parse(body)).toMatchObject({ explanations: [{ connection: { id: 7, state: "closed" } }] });
  await served.close();
});

test("bytes beyond 2^53 are told with their digits, and one byte more is other bytes", async () => {
  const served = await startServer();
  const host = (bytes: bigint): ReturnType<typeof viewReport> =>
    viewReport(makeContent([{ id: 7, from: "10.0.0.2 1024", to: "10.0.0.9 443", exact: [9n, bytes, 5n, 4242n] }]));
  served.push(host(2n ** 60n));
  await using events = await listen(served.address, "/api/changes");
  await expect.poll(() => events.names).toEqual(["snapshot", "living"]);
  const exactOf = (bytes: string): object => ({
    original: { packets: "9", bytes },
    reply: { packets: "5", bytes: "4242" },
  });
  const [living] = events.of("living")[0]!.connections;
  expect(living!.counters!.exact).toEqual(exactOf("1152921504606846976"));
  served.push(host(2n ** 60n));
  served.push(host(2n ** 60n + 1n));
  await expect.poll(() => events.of("bytes").length).toBe(2);
  expect(events.of("bytes")[1]!.bytes).toEqual([[7, 2 ** 60, 4242, exactOf("1152921504606846977")]]);
  await served.close();
});

test("with a filter, a connection that it lets in no more is gone, and comes in when it does", async () => {
  const served = await startServer();
  const host = (state: "opening" | "established"): ReturnType<typeof viewReport> =>
    viewReport(makeContent([{ id: 7, from: "10.0.0.2 1024", to: "10.0.0.9 443", state }]));
  served.push(host("opening"));
  await using events = await listen(
    served.address,
    `/api/changes?filter=${encodeURIComponent('state == "established"')}`,
  );
  await expect.poll(() => events.of("snapshot")).toEqual([{ length: 0, lost: 0 }]);
  served.push(host("established"));
  await expect.poll(() => events.of("changes").map(({ opened }) => opened.map(({ id }) => id))).toEqual([[7]]);
  served.push(host("opening"));
  await expect.poll(() => events.of("changes").at(-1)!.gone).toEqual([7]);
  await served.close();
});

test("a listener that does not read is told from the beginning how much it missed, once it does", async () => {
  const served = await startServer();
  served.push(busyReport(1, 3000, 3000));
  await using events = await listen(served.address, "/api/changes");
  await expect.poll(() => events.names.length).toBe(7);
  events.pause();
  let sequence = 2;
  // More than sockets and the server hold for it.
  for (; sequence < 10; sequence++) {
    served.push(busyReport(sequence, 3000, 3000));
    await new Promise((resolve) => setImmediate(resolve));
  }
  events.resume();
  await expect
    .poll(
      () => {
        served.push(busyReport(sequence++, 3000, 3000));
        return events.of("snapshot").at(-1)!.lost;
      },
      { timeout: 30_000, interval: 250 },
    )
    .toBeGreaterThan(0);
  await served.close();
}, 60_000);

describe("whom it refuses", () => {
  test.each([
    ["another name for this host, which a rebinding page would use", "/api/report", { Host: "evil.example" }, 403],
    ["a name that is none", "/api/report", { Host: "a b" }, 400],
    ["a request that another site's page makes", "/api/report", { "Sec-Fetch-Site": "cross-site" }, 403],
    ["a page of the same site, but another port", "/api/report", { "Sec-Fetch-Site": "same-site" }, 403],
    ["a path beside the page's files", "/../package.json", {}, 404],
    ["a path with escapes", "/%2e%2e/%2e%2e/etc/passwd", {}, 404],
  ])("%s", async (_, path, headers, status) => {
    const served = await startServer();
    served.push(busyReport(1, 2, 1));
    expect((await ask(served.address, path, headers as Record<string, string>)).status).toBe(status);
    await served.close();
  });

  test("anything that would change something, and anyone without the token where there is one", async () => {
    const served = await startServer({ token: "a-secret-of-some-length" });
    served.push(busyReport(1, 2, 1));
    expect((await ask(served.address, "/api/report", {}, "POST")).status).toBe(405);
    expect((await ask(served.address, "/api/report")).status).toBe(401);
    expect((await ask(served.address, "/metrics", { Authorization: "Bearer a-secret-of-another" })).status).toBe(401);
    expect((await ask(served.address, "/api/report", { Authorization: "Bearer a-secret-of-some-length" })).status).toBe(
      200,
    );
    expect((await ask(served.address, "/")).status).toBe(200);
    await served.close();
  });

  test("to listen where others can reach it, without a token", async () => {
    await expect(startServer({ listen: parseListenAddress(":0")! })).rejects.toThrow(/token/);
  });
});

test("every answer forbids what the page does not need", async () => {
  const served = await startServer();
  served.push(busyReport(1, 2, 1));
  for (const path of ["/", "/page.js", "/api/report", "/healthz", "/nothing"]) {
    const { headers } = await ask(served.address, path);
    expect(headers["content-security-policy"], path).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
  }
  await served.close();
});

test("it is well as long as reports come", async () => {
  const served = await startServer({ overdueMs: 300 });
  expect((await ask(served.address, "/healthz")).status).toBe(503);
  served.push(viewReport(makeContent([])));
  expect(JSON.parse((await ask(served.address, "/healthz")).body)).toMatchObject({ status: "ok", conntrack: "ok" });
  await expect.poll(async () => (await ask(served.address, "/healthz")).status).toBe(503);
  await served.close();
});

test("a socket of the file system is its owner's, and goes with the server", async () => {
  const folder = mkdtempSync(join(tmpdir(), "conntrail-serve-"));
  const path = join(folder, "socket");
  const served = await startServer({ listen: parseListenAddress(`unix:${path}`)! });
  const status = await new Promise((resolve) => {
    request({ socketPath: path, path: "/api/info", headers: { Host: "localhost" } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).end();
  });
  expect(status).toBe(200);
  expect(statSync(path).mode & 0o007).toBe(0);
  await served.close();
  expect(() => statSync(path)).toThrow();
  rmSync(folder, { recursive: true });
});

test("addresses to listen at are read as they are written everywhere", () => {
  expect(parseListenAddress("127.0.0.1:4747")).toEqual({ kind: "tcp", host: "127.0.0.1", port: 4747 });
  expect(parseListenAddress("[::1]:80")).toEqual({ kind: "tcp", host: "::1", port: 80 });
  expect(parseListenAddress(":80")).toEqual({ kind: "tcp", host: "0.0.0.0", port: 80 });
  for (const wrong of ["80", "::1:80", "host", "unix:", "a:99999"])
    expect(parseListenAddress(wrong), wrong).toBeUndefined();
});
