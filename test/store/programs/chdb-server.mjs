// ClickHouse's HTTP interface in front of the engine of `chdb`, as much of it as the official client uses: a server that can be killed.
// chdb-server.mjs FOLDER PORT. Prints "ready PORT". Environment: HANG=1 takes connections and never answers; HOST is
// where it listens, 127.0.0.1 without it.
import { rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { createClient } from "@clickhouse/client";

const [folder, port] = process.argv.slice(2);
const { createChdbConnection } = createRequire(import.meta.url)("chdb/connection");
const client = createClient({ connection: createChdbConnection({ path: folder }) });
const OWN = new Set(["query", "query_id", "database", "default_format", "wait_end_of_query", "session_id"]);

async function answer(request, body, response) {
  const url = new URL(request.url, "http://localhost");
  if (url.pathname === "/ping") return response.end("Ok.\n");
  if (request.headers["x-clickhouse-key"] === "wrong" || basicPassword(request) === "wrong") {
    return refuse(response, 516, "default: Authentication failed: password is incorrect. (AUTHENTICATION_FAILED)");
  }
  const settings = Object.fromEntries(
    [...url.searchParams].filter(([name]) => !OWN.has(name) && !name.startsWith("param_")),
  );
  const params = Object.fromEntries(
    [...url.searchParams].filter(([name]) => name.startsWith("param_")).map(([name, value]) => [name.slice(6), value]),
  );
  const database = url.searchParams.get("database");
  try {
    if (database) await client.command({ query: `USE ${database}` });
    const inQuery = url.searchParams.get("query");
    const insert = /^\s*INSERT INTO (\S+)\s+(\([^)]*\))?\s*FORMAT (\w+)/i.exec(inQuery ?? "");
    if (insert?.[3] === "JSONEachRow") {
      const values = body
        .toString("utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      await client.insert({ table: insert[1], values, format: insert[3], clickhouse_settings: settings });
      return response.end();
    }
    if (insert) {
      await insertBody(insert.slice(1), body, settings);
      return response.end();
    }
    const query = inQuery ?? body.toString("utf8");
    const select = /FORMAT (\w+)\s*$/i.exec(query);
    if (!select) {
      await client.command({ query, clickhouse_settings: settings, query_params: params });
      return response.end();
    }
    const result = await client.query({
      query: query.slice(0, select.index),
      format: select[1],
      clickhouse_settings: settings,
      query_params: params,
    });
    return response.end(await result.text());
  } catch (error) {
    return refuse(response, error.code ?? 1000, `${error.message} (${error.type ?? "UNKNOWN"})`);
  }
}

/** The engine takes a request's body only as a file; `INSERT INTO … FORMAT` of a server is this, in one step. */
async function insertBody([table, names = "", format], body, settings) {
  const file = join(folder, `body-${bodies++}`);
  writeFileSync(file, body);
  try {
    await client.command({
      query: `INSERT INTO ${table} ${names} SELECT ${names === "" ? "*" : names.slice(1, -1)} FROM file('${file}', ${format})`,
      clickhouse_settings: { ...settings, max_threads: 1, max_insert_threads: "1" },
    });
  } finally {
    rmSync(file);
  }
}
let bodies = 0;

function basicPassword(request) {
  const [, text = ""] = (request.headers.authorization ?? "").split(" ");
  return Buffer.from(text, "base64").toString().split(":")[1];
}

function refuse(response, code, message) {
  response.writeHead(code === 516 ? 403 : 500, { "X-ClickHouse-Exception-Code": String(code) });
  response.end(`Code: ${code}. DB::Exception: ${message}\n`);
}

let queue = Promise.resolve();
const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    if (process.env.HANG === "1") return;
    const raw = Buffer.concat(chunks);
    const body = request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw;
    queue = queue.then(() => answer(request, body, response));
  });
});
server.listen(Number(port), process.env.HOST ?? "127.0.0.1", () =>
  process.stdout.write(`ready ${server.address().port}\n`),
);
