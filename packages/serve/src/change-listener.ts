/** One listener to changes: what happened to a connection since the last sending is told once, as it is now; one that does not keep up begins anew. */
import type { ServerResponse } from "node:http";
import type { Filter } from "@conntrail/query";
import type { Connection, ConnectionJson, ExactJson } from "@conntrail/report";
import type { ChangeSource, ToldChange } from "./told-change.ts";

/** Changes go out so long after the first of them, together. */
const GATHER_MS = 200;

/** Bytes that may wait for a slow listener. */
const MOST_WAITING_BYTES = 8 * 1024 * 1024;

/** Connections, or figures of connections, in one event: what a browser takes in without a pause. */
const CHUNK = { connections: 500, figures: 4000 } as const;

/** Bytes of a connection, original and reply: they change without being a change. `exact`: its counters' digits, where one is beyond 2^53. */
export type Figures = readonly [id: number, original: number, reply: number, exact?: ExactJson];

interface Pending {
  readonly kind: "opened" | "changed" | "closed" | "gone";
  readonly connection: Connection | undefined;
}

/** The listener. It listens from its making on. */
export class ChangeListener {
  readonly #response: ServerResponse;
  readonly #source: ChangeSource;
  readonly #filter: Filter | undefined;
  readonly #onClosed: (connection: ConnectionJson) => void;
  /** What it was told of and lives; kept where a filter may let a connection in and out. */
  readonly #inside = new Set<number>();
  readonly #pending = new Map<number, Pending>();
  #subscription: { unsubscribe(): void } | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Changes that it was not told because it was slow. */
  #missed = 0;

  /** `onClosed` is told of each connection that was told as closed. */
  constructor(
    response: ServerResponse,
    source: ChangeSource,
    filter: Filter | undefined,
    onClosed: (connection: ConnectionJson) => void,
  ) {
    this.#onClosed = onClosed;
    this.#response = response;
    this.#source = source;
    this.#filter = filter;
    this.#begin();
  }

  /** A report was made: what it says of the host, and the bytes that are others than in the report before. */
  report(head: object, figures: readonly Figures[]): void {
    if (this.#isBehind()) return;
    this.#send();
    const own = this.#filter === undefined ? figures : figures.filter(([id]) => this.#inside.has(id));
    for (let i = 0; i < own.length; i += CHUNK.figures)
      this.#write("bytes", { bytes: own.slice(i, i + CHUNK.figures) });
    this.#write("report", head);
  }

  /** Ends it. */
  close(): void {
    clearTimeout(this.#timer);
    this.#subscription?.unsubscribe();
    this.#response.end();
  }

  #begin(): void {
    this.#subscription = this.#source.subscribe({
      next: (change) => this.#take(change),
      error: () => this.close(),
      complete: () => this.close(),
    });
  }

  #take(change: ToldChange): void {
    if (change.kind === "snapshot") {
      this.#snapshot(change.lost, change.connections());
      return;
    }
    const before = this.#pending.get(change.id)?.kind;
    const connection = change.kind === "gone" ? undefined : change.connection;
    if (before === "opened" && change.kind === "gone") this.#pending.delete(change.id);
    else if (before === "opened" && change.kind === "changed")
      this.#pending.set(change.id, { kind: "opened", connection });
    else this.#pending.set(change.id, { kind: change.kind, connection });
    this.#timer ??= setTimeout(() => this.#isBehind() || this.#send(), GATHER_MS);
  }

  #snapshot(lost: number | null, connections: Iterable<Connection>): void {
    this.#clear();
    this.#inside.clear();
    const living: ConnectionJson[] = [];
    for (const connection of connections) {
      const json = jsonOf(connection);
      if (!this.#lets(json)) continue;
      if (this.#filter !== undefined) this.#inside.add(json.id);
      living.push(json);
    }
    this.#write("snapshot", { length: living.length, lost: lost === null ? null : lost + this.#missed });
    this.#missed = 0;
    for (let i = 0; i < living.length; i += CHUNK.connections) {
      this.#write("living", { connections: living.slice(i, i + CHUNK.connections) });
    }
  }

  #send(): void {
    const told = {
      opened: [] as ConnectionJson[],
      changed: [] as ConnectionJson[],
      closed: [] as ConnectionJson[],
      gone: [] as number[],
    };
    for (const [id, { kind, connection }] of this.#pending) {
      const json = connection && jsonOf(connection);
      const known = this.#filter === undefined ? kind !== "opened" : this.#inside.has(id);
      if (json === undefined || !this.#lets(json)) {
        if (known) told.gone.push(id);
        this.#inside.delete(id);
      } else if (kind === "closed") {
        told.closed.push(json);
        this.#onClosed(json);
        this.#inside.delete(id);
      } else {
        told[known ? "changed" : "opened"].push(json);
        if (this.#filter !== undefined) this.#inside.add(id);
      }
    }
    if (this.#pending.size > 0) this.#write("changes", told);
    this.#clear();
  }

  #clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pending.clear();
  }

  /** True while what was sent has not gone out: nothing more is said until it has, and then all from the beginning. */
  #isBehind(): boolean {
    if (this.#subscription === undefined) {
      if (this.#response.writableLength > 0) return true;
      this.#begin();
      return false;
    }
    if (this.#response.writableLength <= MOST_WAITING_BYTES) return false;
    this.#missed += this.#pending.size;
    this.#clear();
    this.#subscription.unsubscribe();
    this.#subscription = undefined;
    return true;
  }

  #lets(connection: ConnectionJson): boolean {
    return this.#filter?.matches(connection) ?? true;
  }

  #write(name: string, value: unknown): void {
    this.#response.write(`event: ${name}\ndata: ${JSON.stringify(value)}\n\n`);
  }
}

/** Listeners are told of the same objects: each is read once. */
const READ = new WeakMap<Connection, ConnectionJson>();

function jsonOf(connection: Connection): ConnectionJson {
  let json = READ.get(connection);
  if (json === undefined) {
    json = connection.toJSON();
    READ.set(connection, json);
  }
  return json;
}
