/** The answers: each path with what it gives. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { takeRows } from "@conntrail/model";
import { compileFilter, compileGroup, type Fields, type Filter, isQueryError } from "@conntrail/query";
import { type ConnectionJson, encodeJson, type Report, viewReport } from "@conntrail/report";
import type { EventStream } from "./event-stream.ts";
import { openApi } from "./openapi.ts";
import { respond, respondJson } from "./respond.ts";

/** Why a connection's row says what it says, as text for people and as data; undefined for one that is not known. */
export type WhySource = (id: number, ended: ConnectionJson | undefined) => Promise<object | undefined>;

/** What the answers are made from. */
export interface ApiSource {
  readonly version: string;
  readonly fields: Fields;
  /** Port names, for the page's own filters. */
  readonly services: ReadonlyMap<string, string>;
  /** The reports of a replay; undefined when live. */
  readonly replay: readonly Report[] | undefined;
  readonly latest: () => Report | undefined;
  /** Undefined where nothing changes. */
  readonly events: EventStream | undefined;
  /** Undefined where nobody knows. */
  readonly why: WhySource | undefined;
  readonly metrics: (() => Promise<{ readonly type: string; readonly text: string }>) | undefined;
  readonly isHealthy: () => boolean;
}

/** Answers a request for a path that is not one of the page's files. False when there is no such path. */
export async function answerApi(
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
  source: ApiSource,
): Promise<boolean> {
  switch (url.pathname) {
    case "/api/report":
      answerReport(url, request, response, source);
      return true;
    case "/api/changes":
      answerChanges(url, request, response, source);
      return true;
    case "/api/why":
      await answerWhy(url, request, response, source);
      return true;
    case "/api/info":
      respondJson(request, response, 200, info(source));
      return true;
    case "/api/openapi.json":
      respondJson(request, response, 200, openApi(source.version));
      return true;
    case "/healthz":
      answerHealth(request, response, source);
      return true;
    case "/metrics": {
      if (source.metrics === undefined) return false;
      const { type, text } = await source.metrics();
      respond(request, response, 200, type, text);
      return true;
    }
    default:
      return false;
  }
}

function answerReport(url: URL, request: IncomingMessage, response: ServerResponse, source: ApiSource): void {
  const at = numberOf(url, "at");
  const limit = numberOf(url, "limit");
  const report = at === undefined ? source.latest() : source.replay?.[at];
  if (report === undefined) {
    respondJson(request, response, at === undefined ? 503 : 404, { error: "there is no such report" });
    return;
  }
  asking(request, response, () => {
    const filter = filterOf(url, source.fields);
    const rows = filter?.rows(report.raw);
    const by = url.searchParams.get("by");
    if (by !== null) {
      const grouping = compileGroup(by, source.fields);
      const all = rows ?? Array.from({ length: report.length }, (_, row) => row);
      const groups = grouping.sort(grouping.rows(report.raw, all, report.window.start)).slice(0, limit);
      const named = groups.map(({ keys, ...rest }) => ({
        ...Object.fromEntries(grouping.keys.map((name, i) => [name, keys[i]])),
        ...rest,
      }));
      respondJson(request, response, 200, {
        schema: "conntrail.groups/1",
        sequence: report.sequence,
        window: report.window,
        by: grouping.keys,
        groups: named,
      });
      return;
    }
    const shown =
      rows === undefined ? report : viewReport({ ...report.raw, columns: takeRows(report.raw.columns, rows) });
    respond(request, response, 200, "application/json; charset=utf-8", encodeJson(shown, { limit }));
  });
}

function answerChanges(url: URL, request: IncomingMessage, response: ServerResponse, source: ApiSource): void {
  asking(request, response, () => {
    const filter = filterOf(url, source.fields);
    if (request.method === "HEAD" || source.events === undefined) {
      respondJson(request, response, 404, { error: "a replay does not change: see /api/report?at=" });
    } else if (!source.events.add(request, response, filter)) {
      respondJson(request, response, 503, { error: "too many listeners" });
    }
  });
}

async function answerWhy(
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
  { why, events }: ApiSource,
): Promise<void> {
  const id = numberOf(url, "id");
  const answer = id === undefined ? undefined : await answerOf(id, why, events);
  if (answer === undefined) {
    const error = "there is no such connection: id is the number of one that lives, or that ended a moment ago";
    respondJson(request, response, id === undefined ? 400 : 404, { error });
  } else respondJson(request, response, 200, { schema: "conntrail.why/1", explanations: [answer], found: 1 });
}

/** One that lived when it was asked about, and no longer when it was looked for, has been told as ended meanwhile. */
async function answerOf(id: number, why: ApiSource["why"], events: ApiSource["events"]): Promise<object | undefined> {
  const before = events?.ended(id);
  const answer = await why?.(id, before);
  if (answer !== undefined || before !== undefined) return answer;
  const meanwhile = events?.ended(id);
  return meanwhile === undefined ? undefined : why?.(id, meanwhile);
}

function answerHealth(request: IncomingMessage, response: ServerResponse, source: ApiSource): void {
  const health = source.latest()?.health;
  const parts = health && {
    conntrack: health.conntrack.state,
    sockets: health.sockets.state,
    names: health.names.state,
  };
  const healthy = source.isHealthy();
  respondJson(request, response, healthy ? 200 : 503, { status: healthy ? "ok" : "no report", ...parts });
}

function info({ version, fields, services, replay, latest }: ApiSource): object {
  return {
    version,
    host: latest()?.host.name ?? null,
    mode: replay === undefined ? "live" : "replay",
    ...(replay !== undefined && { times: replay.map(({ window }) => window.end) }),
    fields: fields.all.map(({ path, kind, about, words }) => ({ path, kind, about, ...(words && { words }) })),
    services: Object.fromEntries(services),
  };
}

function filterOf(url: URL, fields: Fields): Filter | undefined {
  const text = url.searchParams.get("filter");
  return text === null || text.trim() === "" ? undefined : compileFilter(text, fields);
}

/** A wrong question is told with its column. */
function asking(request: IncomingMessage, response: ServerResponse, answer: () => void): void {
  try {
    answer();
  } catch (error) {
    if (!isQueryError(error)) throw error;
    respondJson(request, response, 400, { error: error.message, code: error.code, column: error.column });
  }
}

function numberOf(url: URL, name: string): number | undefined {
  const text = url.searchParams.get(name);
  return text !== null && /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}
