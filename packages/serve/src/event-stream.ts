/** Server-sent events (HTML Standard, 9.2) to many listeners: what changes of connections, and with each report how the host stands. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { CONNECTION_STATE, indexOf } from "@conntrail/model";
import type { Filter } from "@conntrail/query";
import { type ConnectionJson, type ExactJson, exactJson, type Report } from "@conntrail/report";
import { ChangeListener, type Figures } from "./change-listener.ts";
import { HEADERS } from "./respond.ts";
import type { ChangeSource } from "./told-change.ts";

/** Listeners at a time. */
const MOST_LISTENERS = 32;
/** A comment so often keeps proxies from giving up. */
const KEEP_ALIVE_MS = 15_000;
/** Connections that ended and can still be asked about: as many as the page shows. */
const MOST_ENDED = 2000;
/** What has ended was told with its change. */
const OVER = new Set([indexOf(CONNECTION_STATE, "closed"), indexOf(CONNECTION_STATE, "failed")]);

/** The listeners of one server. While there are none, nobody asks for changes and nothing is compared. */
export class EventStream {
  readonly #listeners = new Map<ServerResponse, ChangeListener>();
  readonly #source: ChangeSource;
  readonly #timer: NodeJS.Timeout;
  readonly #ended = new Map<number, ConnectionJson>();
  /** Bytes of the living as they were last told; beyond 2^53 in digits. */
  #bytes = new Map<number, number | string>();

  constructor(source: ChangeSource) {
    this.#source = source;
    this.#timer = setInterval(() => {
      for (const response of this.#listeners.keys()) response.write(": here\n\n");
    }, KEEP_ALIVE_MS);
    this.#timer.unref();
  }

  /** Adds a listener, which begins with all that lives. False when there are too many. */
  add(request: IncomingMessage, response: ServerResponse, filter: Filter | undefined): boolean {
    if (this.#listeners.size >= MOST_LISTENERS) return false;
    response.writeHead(200, {
      ...HEADERS,
      "Content-Type": "text/event-stream; charset=utf-8",
      "X-Accel-Buffering": "no",
    });
    response.flushHeaders();
    const listener = new ChangeListener(response, this.#source, filter, (connection) => this.#remember(connection));
    this.#listeners.set(response, listener);
    request.on("close", () => {
      this.#listeners.delete(response);
      listener.close();
    });
    return true;
  }

  /** Tells everyone how the host stands. */
  report(report: Report): void {
    if (this.#listeners.size === 0) {
      this.#bytes.clear();
      return;
    }
    const { sequence, window, health } = report;
    const figures = this.#figures(report);
    for (const listener of this.#listeners.values()) listener.report({ sequence, window, health }, figures);
  }

  /** A connection that was told as closed lately. */
  ended(id: number): ConnectionJson | undefined {
    return this.#ended.get(id);
  }

  /** Ends all of them. */
  close(): void {
    clearInterval(this.#timer);
    for (const listener of this.#listeners.values()) listener.close();
    this.#listeners.clear();
  }

  #remember(connection: ConnectionJson): void {
    this.#ended.set(connection.id, connection);
    if (this.#ended.size <= MOST_ENDED) return;
    const [oldest] = this.#ended.keys();
    this.#ended.delete(oldest!);
  }

  #figures({ raw }: Report): Figures[] {
    const { columns } = raw;
    const figures: Figures[] = [];
    const bytes = new Map<number, number | string>();
    for (let row = 0; row < columns.length; row++) {
      const [original, reply] = [columns.originalBytes[row]!, columns.replyBytes[row]!];
      if (original < 0 || OVER.has(columns.state[row]!)) continue;
      const id = columns.id[row]!;
      const exact = exactJson(raw, row);
      const now = exact === undefined ? original + reply : digitsOf(exact);
      bytes.set(id, now);
      if (this.#bytes.get(id) !== now)
        figures.push(exact === undefined ? [id, original, reply] : [id, original, reply, exact]);
    }
    this.#bytes = bytes;
    return figures;
  }
}

function digitsOf({ original, reply }: ExactJson): string {
  return `${original.bytes} ${reply.bytes}`;
}
