/** `conntrail serve`: the page, the reports, the changes and the metrics over HTTP, until a signal; of this host, or of a recording. */
import { readFileSync } from "node:fs";
import { PAGE_FOLDER } from "@conntrail/page";
import type { Report } from "@conntrail/report";
import { createReporter, explainRecording, type Reporter, replayReports } from "@conntrail/reporter";
import { type ListenAddress, type Served, type ServeOptions, serve } from "@conntrail/serve";
import { Registry } from "prom-client";
import { type CollectionOptions, reporterOptions } from "../collection-options.ts";
import { EXPLAIN_BUFFER } from "../explain-buffer.ts";
import { fields, services } from "../fields.ts";
import { stopSignal } from "../stop-signal.ts";

/** What commander parses for it. */
export interface ServeCommandOptions extends CollectionOptions {
  readonly listen: ListenAddress;
  readonly interval: number;
  readonly tokenFile?: string;
  readonly allowHost?: string[];
  readonly replay?: string;
}

/** A server is not well when so many reports in a row did not come, and this much more. */
const REPORTS_MISSED = 3;
const SLACK_MS = 5000;

/** Serves until a signal. */
export async function runServe(options: ServeCommandOptions, version: string): Promise<void> {
  const stop = stopSignal();
  const registry = new Registry();
  const settings: ServeOptions = {
    listen: options.listen,
    version,
    page: PAGE_FOLDER,
    fields: fields(),
    services: services(),
    token: options.tokenFile === undefined ? undefined : readToken(options.tokenFile),
    hosts: options.allowHost,
    metrics: async () => ({ type: registry.contentType, text: await registry.metrics() }),
    overdueMs: REPORTS_MISSED * options.interval + SLACK_MS,
  };
  if (options.replay === undefined) await serveLive(options, settings, registry, stop);
  else await serveReplay(options.replay, settings, stop);
}

async function serveLive(
  options: ServeCommandOptions,
  settings: ServeOptions,
  registry: Registry,
  stop: AbortSignal,
): Promise<void> {
  // An address that cannot be had is told before anything starts; nobody can ask before the reporter is there.
  const served = await serve({
    ...settings,
    changes: { subscribe: (to) => reporter.changes$.subscribe(to) },
    why: (id, ended) => reporter.explain(ended ?? id),
  });
  announce(served);
  const reporter: Reporter = createReporter({
    ...reporterOptions(options),
    intervalMs: options.interval,
    explainBuffer: EXPLAIN_BUFFER,
    metrics: registry,
  });
  stop.addEventListener("abort", () => void reporter.close());
  try {
    for await (const report of reporter) served.push(report);
  } finally {
    await reporter.close();
    await served.close();
  }
}

async function serveReplay(file: string, settings: ServeOptions, stop: AbortSignal): Promise<void> {
  const replay: Report[] = [];
  for await (const report of replayReports(file, { signal: stop })) replay.push(report);
  if (replay.length === 0) throw new Error(`${file}: there is no report in it`);
  const why = async (id: number): Promise<object | undefined> =>
    (await explainRecording(file, { from: { id }, limit: 1, signal: stop })).explanations[0];
  const served = await serve({ ...settings, replay, why });
  announce(served);
  if (!stop.aborted) await new Promise<void>((resolve) => stop.addEventListener("abort", () => resolve()));
  await served.close();
}

function announce({ address }: Served): void {
  process.stderr.write(`conntrail: ${address}\n`);
}

/** The first line of the file. */
function readToken(file: string): string {
  const [token = ""] = readFileSync(file, "utf8").split("\n");
  if (token.trim().length >= LEAST_TOKEN_CHARACTERS) return token.trim();
  throw new RangeError(
    `--token-file: expected at least ${LEAST_TOKEN_CHARACTERS} characters in the first line of ${file}`,
  );
}

const LEAST_TOKEN_CHARACTERS = 16;
