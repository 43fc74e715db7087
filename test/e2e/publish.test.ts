/** `watch --publish` against an HTTP server in the lab: a gzipped Scope report at every interval. */
import { gunzipSync } from "node:zlib";
import { expect } from "vitest";
import { kernelTest, loopbackLab } from "../lab/index.ts";
import { OWN, watch } from "./reports.ts";

kernelTest("watch --publish posts every report to the Scope app, as gzipped JSON", async () => {
  await using lab = await loopbackLab();
  const app = lab.host.spawn(process.execPath, ["-e", APP]);
  const { port } = await app.json<{ port: number }>();
  const server = await lab.host.start("tcp-server");
  const client = await lab.host.start("tcp-client", { port: server.ready.port!, hold: true });
  await using running = await watch(lab.host, [...OWN, "--no-names", "--publish", `http://127.0.0.1:${port}`], "500ms");
  for (let i = 0; i < 4; i++) await running.until(() => true);
  const printed = await running.stop();
  const posts = app.lines.slice(1).map((line) => JSON.parse(line) as Post);

  expect(posts.length).toBeGreaterThanOrEqual(printed.length - 1);
  for (const { path, headers } of posts) {
    expect(path).toBe("/api/report");
    expect(headers["content-type"]).toMatch(/^application\/json/);
    expect(headers["content-encoding"]).toBe("gzip");
  }
  const { Endpoint, Process } = JSON.parse(gunzipSync(Buffer.from(posts.at(-2)!.body, "base64")).toString());
  const ends = Object.values<{ latest?: { pid?: { value: string } } }>(Endpoint.nodes);
  const pids = new Set(ends.map(({ latest }) => latest?.pid?.value));
  expect(pids).toContain(String(client.pid));
  expect(pids).toContain(String(server.pid));
  expect(Object.keys(Process.nodes).some((id) => id.endsWith(`;${client.pid}`))).toBe(true);
});

kernelTest("N11 an app that is not there does not hold watch up, and is told of once", async () => {
  await using lab = await loopbackLab();
  await using running = await watch(lab.host, [...OWN, "--no-names", "--publish", "http://127.0.0.1:4040"]);
  const from = performance.now();
  for (let i = 0; i < 8; i++) await running.until(() => true);
  // Eight reports of 250 ms each; each try to publish would take as long again and more.
  expect(performance.now() - from).toBeLessThan(6000);
  const began = performance.now();
  await running.program.stop();
  expect(performance.now() - began).toBeLessThan(2500);
  expect(running.program.stderr).toMatch(
    /^conntrail: publishing to http:\/\/127.0.0.1:4040 fails: [^\n]+ECONNREFUSED[^\n]+\n$/,
  );
});

kernelTest("N11 --publish-header and the password in the URL reach the app; a refusal is one line", async () => {
  await using lab = await loopbackLab();
  const app = lab.host.spawn(process.execPath, ["-e", APP.replace("response.end()", "response.writeHead(401).end()")]);
  const { port } = await app.json<{ port: number }>();
  const publish = ["--publish", `http://me:secret@127.0.0.1:${port}`, "--publish-header", "X-Scope-Token: t"];
  await using running = await watch(lab.host, [...OWN, "--no-names", ...publish]);
  for (let i = 0; i < 4; i++) await running.until(() => true);
  await running.program.stop();

  const { headers } = JSON.parse(app.lines[1]!) as Post;
  expect(headers).toMatchObject({
    "x-scope-token": "t",
    authorization: `Basic ${Buffer.from("me:secret").toString("base64")}`,
  });
  expect(running.program.stderr).toMatch(
    /^conntrail: publishing to http:\/\/127.0.0.1:\d+ fails: [^\n]+ HTTP 401;[^\n]+\n$/,
  );
});

interface Post {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Takes reports and tells each as a line of JSON. */
const APP = `
  const server = require("node:http").createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("base64");
      console.log(JSON.stringify({ path: request.url, headers: request.headers, body }));
      response.end();
    });
  });
  server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
  process.stdin.on("end", () => process.exit(0)).resume();`;
