/** Server-sent events (HTML Standard, 9.2) to many listeners: one that does not keep up loses batches, is told so, and begins anew. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Filter } from "@conntrail/query";
import type { Changes, Told } from "./live-table.ts";
import { HEADERS } from "./respond.ts";

/** Bytes that may wait for a slow listener. */
const MOST_WAITING_BYTES = 8 * 1024 * 1024;
/** Listeners at a time. */
const MOST_LISTENERS = 32;
/** Connections in one event of the beginning: what a browser takes in without a pause. */
const SNAPSHOT_CHUNK = 500;
/** A comment so often keeps proxies from giving up. */
const KEEP_ALIVE_MS = 15_000;

interface Listener {
  readonly response: ServerResponse;
  readonly filter: Filter | undefined;
  /** It missed a batch: nothing but a new beginning helps. */
  behind: boolean;
}

/** The listeners of one server. */
export class EventStream {
  readonly #listeners = new Set<Listener>();
  readonly #living: () => Iterable<Told>;
  readonly #timer: NodeJS.Timeout;

  /** `living`: every connection of the latest report. */
  constructor(living: () => Iterable<Told>) {
    this.#living = living;
    this.#timer = setInterval(() => this.#each((listener) => listener.response.write(": here\n\n")), KEEP_ALIVE_MS);
    this.#timer.unref();
  }

  /** Adds a listener and sends it what lives. False when there are too many. */
  add(request: IncomingMessage, response: ServerResponse, filter: Filter | undefined): boolean {
    if (this.#listeners.size >= MOST_LISTENERS) return false;
    const listener = { response, filter, behind: false };
    response.writeHead(200, {
      ...HEADERS,
      "Content-Type": "text/event-stream; charset=utf-8",
      "X-Accel-Buffering": "no",
    });
    this.#begin(listener);
    this.#listeners.add(listener);
    request.on("close", () => this.#listeners.delete(listener));
    return true;
  }

  /** Tells everyone. */
  tell(changes: Changes): void {
    const whole = event("changes", changes);
    this.#each((listener) => {
      if (listener.behind) {
        if (listener.response.writableLength === 0) this.#begin(listener);
        return;
      }
      if (listener.response.writableLength > MOST_WAITING_BYTES) {
        listener.behind = true;
        return;
      }
      listener.response.write(
        listener.filter === undefined ? whole : event("changes", filtered(changes, listener.filter)),
      );
    });
  }

  /** Ends all of them. */
  close(): void {
    clearInterval(this.#timer);
    this.#each(({ response }) => response.end());
    this.#listeners.clear();
  }

  /** A beginning: `reset`, then what lives in pieces, as `changes` would tell it. */
  #begin(listener: Listener): void {
    const { response, filter } = listener;
    const living = [...this.#living()].filter(({ connection }) => filter?.matches(connection) ?? true);
    response.write(event("reset", { connections: living.length, missed: listener.behind }));
    for (let i = 0; i < living.length; i += SNAPSHOT_CHUNK) {
      response.write(event("living", { changed: living.slice(i, i + SNAPSHOT_CHUNK) }));
    }
    listener.behind = false;
  }

  #each(action: (listener: Listener) => void): void {
    for (const listener of this.#listeners) action(listener);
  }
}

function event(name: string, value: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;
}

/** What of the news belongs; what belongs no more has gone. */
function filtered(changes: Changes, filter: Filter): Changes {
  const left = changes.changed.filter(({ connection }) => !filter.matches(connection)).map(({ id }) => id);
  return {
    ...changes,
    changed: changes.changed.filter(({ connection }) => filter.matches(connection)),
    ended: changes.ended.filter(({ connection }) => filter.matches(connection)),
    gone: [...changes.gone, ...left],
  };
}
