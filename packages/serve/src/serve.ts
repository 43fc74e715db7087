/** The HTTP server of `conntrail serve`: reports go in, whoever may ask gets them as JSON, changes, metrics and a page (RFC 9110). */
import { rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Fields } from "@conntrail/query";
import type { Report } from "@conntrail/report";
import { type ApiSource, answerApi, type WhySource } from "./api.ts";
import { EventStream } from "./event-stream.ts";
import { refusal } from "./guard.ts";
import { isLoopbackOnly, type ListenAddress } from "./listen-address.ts";
import { readPageFiles } from "./page-files.ts";
import { respond, respondJson } from "./respond.ts";
import type { ChangeSource } from "./told-change.ts";

/** What a server is told. */
export interface ServeOptions {
  readonly listen: ListenAddress;
  readonly version: string;
  /** The folder of the page's files. */
  readonly page: string;
  readonly fields: Fields;
  readonly services: ReadonlyMap<string, string>;
  /** Asked for with everything that tells of connections; needed unless only this host can reach us. */
  readonly token?: string | undefined;
  /** Further names by which we may be called. */
  readonly hosts?: readonly string[] | undefined;
  readonly metrics?: ApiSource["metrics"];
  /** What changes, for who listens; left out, `/api/changes` does not exist. */
  readonly changes?: ChangeSource | undefined;
  /** Answers `/api/why`. `ended`: the connection, when it was told as closed while somebody listened. */
  readonly why?: WhySource | undefined;
  /** A replay's reports: nothing is pushed then. */
  readonly replay?: readonly Report[] | undefined;
  /** A report is overdue after this long. Default 10,000. */
  readonly overdueMs?: number;
}

/** A running server. It keeps the process alive until it is closed. */
export interface Served {
  /** Where it listens: a URL, or `unix:PATH`. */
  readonly address: string;
  /** Gives it the next report. */
  push(report: Report): void;
  /** Ends every connection and frees the address. */
  close(): Promise<void>;
}

const DEFAULT_OVERDUE_MS = 10_000;
/** Connections at a time; a browser takes six, Prometheus one. */
const MOST_CONNECTIONS = 128;

/** Starts a server. Rejects with the system's error when it cannot listen; throws RangeError without a token where one is needed. */
export async function serve(options: ServeOptions): Promise<Served> {
  const { listen, token, replay } = options;
  if (token === undefined && !isLoopbackOnly(listen)) {
    throw new RangeError("listen: other hosts can reach this address, so a token is needed (--token-file)");
  }
  const files = readPageFiles(options.page);
  const events = options.changes && new EventStream(options.changes);
  let latest = replay?.at(-1);
  let latestMs = performance.now();
  const source: ApiSource = {
    version: options.version,
    fields: options.fields,
    services: options.services,
    replay,
    latest: () => latest,
    events,
    why: options.why,
    metrics: options.metrics,
    isHealthy: () =>
      replay !== undefined ||
      (latest !== undefined && performance.now() - latestMs < (options.overdueMs ?? DEFAULT_OVERDUE_MS)),
  };
  const rules = { hosts: hostNames(options), token };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "/", "http://here");
    const file = files.get(url.pathname);
    const refused = refusal(request, file !== undefined || url.pathname === "/healthz", rules);
    if (refused !== undefined) respondJson(request, response, refused.status, { error: refused.text });
    else if (file !== undefined) respond(request, response, 200, file.type, file.bytes);
    else if (!(await answerApi(url, request, response, source)))
      respondJson(request, response, 404, { error: "no such path" });
  };
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 10_000 }, (request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.maxConnections = MOST_CONNECTIONS;
  await listening(server, listen);
  return {
    address: addressOf(server, listen),
    push(report: Report): void {
      latest = report;
      latestMs = performance.now();
      events?.report(report);
    },
    async close(): Promise<void> {
      events?.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      if (listen.kind === "unix") await rm(listen.path, { force: true });
    },
  };
}

function listening(server: Server, listen: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const ready = (): void => {
      server.off("error", reject);
      resolve();
    };
    if (listen.kind === "unix") {
      // It is bound before listen() returns, and is for its owner alone from the first moment.
      const before = process.umask(0o177);
      server.listen(listen.path, ready);
      process.umask(before);
    } else server.listen(listen.port, listen.host, ready);
  });
}

function addressOf(server: Server, listen: ListenAddress): string {
  if (listen.kind === "unix") return `unix:${listen.path}`;
  const { port } = server.address() as AddressInfo;
  return `http://${listen.host.includes(":") ? `[${listen.host}]` : listen.host}:${port}/`;
}

/** The names by which a browser or a scraper may call us. */
function hostNames({ listen, hosts = [] }: ServeOptions): ReadonlySet<string> {
  const loopback = isLoopbackOnly(listen) ? ["localhost", "127.0.0.1", "::1"] : [];
  const own = listen.kind === "tcp" ? [listen.host] : [];
  return new Set([...loopback, ...own, ...hosts].map((name) => name.toLowerCase()));
}
