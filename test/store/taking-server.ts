/** A server of ClickHouse's HTTP interface that has no engine: it makes every table, takes every insertion, and answers when it is told to. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { expect } from "vitest";

const VERSION = "26.7.1";

/** Starts one on loopback. Insertions into `connections` wait until `release()`. */
export async function startTakingServer() {
  let taken = 0;
  const tokens: string[] = [];
  let holds = true;
  const held: ServerResponse[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<unknown> => {
    const bytes = await buffer(request);
    const body = request.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes;
    const asked = new URL(request.url!, "http://localhost").searchParams;
    const query = asked.get("query") ?? body.toString("utf8");
    if (/SELECT version\(\)/.test(query)) return response.end(`${JSON.stringify({ version: VERSION })}\n`);
    if (!/INSERT INTO connections/.test(query)) return response.end();
    tokens.push(asked.get("insert_deduplication_token") ?? "");
    taken += rowsOf(body);
    return holds ? held.push(response) : response.end();
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Rows of all insertions that arrived. */
    rows: () => taken,
    /** The names of the batches that arrived, in order. */
    tokens: () => tokens,
    /** Resolves when `count` insertions have arrived. */
    isHolding: (count: number) => expect.poll(() => tokens.length, { timeout: 15_000 }).toBeGreaterThanOrEqual(count),
    /** Answers those that wait. */
    release: () => {
      for (const response of held.splice(0)) response.end();
    },
    /** Answers those that wait, and from now on at once. */
    releaseAll: () => {
      holds = false;
      for (const response of held.splice(0)) response.end();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A block of the format Native begins with how many columns it has and how many rows, as LEB128. */
function rowsOf(block: Buffer): number {
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = block[at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  next();
  return next();
}
