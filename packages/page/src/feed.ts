/** From the server to the store: server-sent events read by fetch, for EventSource cannot send a token; and the moments of a replay. */
import { Fields } from "@conntrail/query";
import type { ConnectionJson, HealthJson, ReportJson } from "@conntrail/report";
import type { Changes, Store } from "./store.ts";

/** What the server says of itself. */
export interface Info {
  readonly version: string;
  readonly host: string | null;
  readonly mode: "live" | "replay";
  readonly times?: readonly (string | null)[];
  readonly fields: readonly {
    readonly path: string;
    readonly kind: string;
    readonly about: string;
    readonly words?: readonly string[];
  }[];
  readonly services: Readonly<Record<string, string>>;
}

/** Work goes on for so long before the browser has its turn. */
const SLICE_MS = 12;
const RETRY_MS = 2000;

/** Asks the server; the token comes with the page's address (`#token=…`) and stays in this tab. */
export async function ask(path: string): Promise<Response> {
  const [, given] = /^#token=(.+)$/.exec(location.hash) ?? [];
  if (given !== undefined) {
    sessionStorage.setItem("token", given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  const token = sessionStorage.getItem("token");
  return fetch(path, token === null ? {} : { headers: { Authorization: `Bearer ${token}` } });
}

/** What the server is. Rejects with its words when it refuses. */
export async function readInfo(store: Store): Promise<Info> {
  const response = await ask("/api/info");
  if (!response.ok) throw new Error(((await response.json()) as { error: string }).error);
  const info = (await response.json()) as Info;
  store.fields = new Fields(new Map(Object.entries(info.services)));
  return info;
}

/** Follows the changes for ever; `onState` is told whether they come. */
export async function follow(store: Store, onState: (connected: boolean) => void): Promise<never> {
  for (;;) {
    try {
      const response = await ask("/api/changes");
      if (response.ok && response.body !== null) {
        onState(true);
        await read(response.body, (name, data) => take(store, name as keyof Events, JSON.parse(data)));
      }
    } catch {
      // The server is gone, or the network: it is tried again below.
    }
    onState(false);
    await pause(RETRY_MS);
  }
}

/** Shows a moment of a replay. */
export async function showMoment(store: Store, at: number): Promise<void> {
  const report = (await (await ask(`/api/report?at=${at}`)).json()) as ReportJson;
  const over = ({ state }: ConnectionJson): boolean => state === "closed" || state === "failed";
  store.reset();
  store.living(report.connections.filter((each) => !over(each)));
  const closed = report.connections.filter(over);
  store.changes({ opened: [], changed: [], closed, gone: [] }, performance.now());
  store.report(report.health, report.window.end);
  store.tell();
}

/** What each event holds. */
interface Events {
  readonly snapshot: { readonly length: number; readonly lost: number | null };
  readonly living: { readonly connections: readonly ConnectionJson[] };
  readonly changes: Changes;
  readonly bytes: { readonly bytes: Parameters<Store["bytes"]>[0] };
  readonly report: { readonly health: HealthJson; readonly window: { readonly end: string | null } };
}

function take<Name extends keyof Events>(store: Store, name: Name, event: Events[Name]): void;
function take(store: Store, ...[name, event]: { [Name in keyof Events]: [Name, Events[Name]] }[keyof Events]): void {
  switch (name) {
    case "snapshot":
      store.reset(event.lost !== 0);
      break;
    case "living":
      store.living(event.connections);
      break;
    case "changes":
      store.changes(event, performance.now());
      break;
    case "bytes":
      store.bytes(event.bytes);
      return;
    case "report":
      store.report(event.health, event.window.end);
      break;
  }
  store.tell();
}

/** Reads events to their end, a slice at a time. */
async function read(body: ReadableStream<Uint8Array>, onEvent: (name: string, data: string) => void): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    let began = performance.now();
    for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
      const block = rest.slice(0, end);
      rest = rest.slice(end + 2);
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/s.exec(block) ?? [];
      if (name !== undefined) onEvent(name, data!);
      if (performance.now() - began > SLICE_MS) {
        await pause(0);
        began = performance.now();
      }
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
