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

test("changes are a beginning and then news: new, ended and gone, each once", async () => {
  const served = await startServer();
  served.push(busyReport(1, 1200, 100));
  const events: { name: string; data: { changed?: { id: string }[]; ended?: { id: string }[]; gone?: string[] } }[] =
    [];
  const connection = request(new URL("/api/changes", served.address), (response) => {
    let rest = "";
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => {
      rest += chunk;
      const blocks = rest.split("\n\n");
      rest = blocks.pop()!;
      for (const block of blocks) {
        const [, name, data] = /^event: (\w+)\ndata: (.*)$/s.exec(block) ?? [];
        if (name !== undefined) events.push({ name, data: JSON.parse(data!) as never });
      }
    });
  });
  connection.end();
  await expect.poll(() => events.length).toBe(4);
  expect(events.map(({ name }) => name)).toEqual(["reset", "living", "living", "living"]);
  served.push(busyReport(2, 1200, 100));
  served.push(busyReport(2, 1200, 100));
  await expect.poll(() => events.length).toBe(6);
  const [first, second] = events.slice(4).map(({ data }) => data);
  expect([first!.changed!.length, first!.ended!.length, first!.gone!.length]).toEqual([100, 100, 0]);
  expect([second!.changed!.length, second!.gone!.length]).toEqual([0, 0]);
  const living = new Set(events.slice(1, 4).flatMap(({ data }) => data.changed!.map(({ id }) => id)));
  expect(living.size).toBe(1200);
  expect(first!.ended!.every(({ id }) => living.has(id))).toBe(true);
  connection.destroy();
  await served.close();
});

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
