/** A server with a made-up host behind it, and what is asked of it. */
import { request } from "node:http";
import type { ReportContent } from "@conntrail/model";
import { PAGE_FOLDER } from "@conntrail/page";
import { Fields } from "@conntrail/query";
import { viewReport } from "@conntrail/report";
import { type Served, type ServeOptions, serve } from "@conntrail/serve";
import { END_MS, makeContent, makeOwner, type Row } from "../report/content.ts";
import { ToldHost } from "./told-host.ts";

/** A server on a port of the loopback that the kernel chooses. What it is given as a report changes what it is told of, too. */
export async function startServer(options: Partial<ServeOptions> = {}): Promise<Served> {
  const host = new ToldHost();
  const served = await serve({
    listen: { kind: "tcp", host: "127.0.0.1", port: 0 },
    version: "1.2.3",
    page: PAGE_FOLDER,
    fields: new Fields(),
    services: new Map([["443/tcp", "https"]]),
    changes: options.replay === undefined ? host : undefined,
    ...options,
  });
  return {
    ...served,
    push(report): void {
      host.take(report);
      served.push(report);
    },
  };
}

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

/** Asks with any headers, as fetch would not. */
export function ask(
  address: string,
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(new URL(path, address), { headers, method }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    });
    asked.on("error", reject);
    asked.end();
  });
}

const CLIENTS = Array.from({ length: 20 }, (_, i) => makeOwner(100 + i, `client-${i}`));

/** A busy host: `total` connections, of which the `turned` latest were opened since the report before, and as many ended. */
export function busyHost(sequence: number, total: number, turned: number): ReportContent {
  const first = (sequence - 1) * turned;
  const row = (number: number, state: "established" | "closed" | "failed"): Row => ({
    id: number + 1,
    from: `10.0.0.2 ${1024 + (number % 60_000)}`,
    to: `10.1.${number % 8}.${1 + (number % 30)} 443`,
    fromOwner: CLIENTS[number % CLIENTS.length]!,
    flags: ["fromLocal"],
    state,
    ageMs: 5000 - (number % 60_000) / 100,
    counters: [10, 1000, 10, 5000],
  });
  const rows: Row[] = [];
  for (let i = 0; i < total; i++) rows.push(row(first + i, "established"));
  if (sequence > 1) {
    for (let i = 0; i < turned; i++) rows.push(row(first - turned + i, i % 10 === 0 ? "failed" : "closed"));
  }
  return makeContent(rows, { sequence, window: { startMs: END_MS - 1000, endMs: END_MS } });
}

/** The same as a report. */
export function busyReport(...args: Parameters<typeof busyHost>): ReturnType<typeof viewReport> {
  return viewReport(busyHost(...args));
}
