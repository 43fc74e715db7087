// ClickHouse's HTTP interface in front of the engine of `chdb`, as much of it as the official client uses: a server that can be killed.
// chdb-server.mjs FOLDER PORT. Prints "ready PORT". Environment: HANG=1 takes connections and never answers; HOST is
// where it listens, 127.0.0.1 without it.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { Readable } from "node:stream";
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
    const insert = /^\s*INSERT INTO (\S+)\s+FORMAT (\w+)/i.exec(inQuery ?? "");
    if (insert) {
      const values = Readable.from([body.toString("utf8")], { objectMode: insert[2].startsWith("JSON") });
      if (insert[2].startsWith("JSON")) {
        await client.insert({
          table: insert[1],
          values: body
            .toString("utf8")
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line)),
          format: insert[2],
          clickhouse_settings: settings,
        });
      } else await client.insert({ table: insert[1], values, format: insert[2], clickhouse_settings: settings });
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
