/** What the page knows: connections that live, those that ended lately, the picture and the figures. Batches come in, views are told. */
import { compileFilter, Fields, type Filter, isQueryError } from "@conntrail/query";
import type { ConnectionJson, ExactJson, HealthJson } from "@conntrail/report";
import { Edges } from "./edges.ts";
import type { Row } from "./row.ts";

/** What happened to connections: of one that opened and closed in between, the end alone. */
export interface Changes {
  readonly opened: readonly ConnectionJson[];
  readonly changed: readonly ConnectionJson[];
  readonly closed: readonly ConnectionJson[];
  readonly gone: readonly number[];
}

/** Connections that ended are shown for so long, and so many of them. */
const KEEP_ENDED_MS = 60_000;
const MOST_ENDED = 2000;
/** Reports that the figures go back. */
const MOST_POINTS = 120;

/** The page's state. */
export class Store {
  fields: Fields = new Fields();
  filterText = "";
  filterError: string | undefined;
  health: HealthJson | undefined;
  windowEnd: string | null = null;
  /** Connections that the filter lets through, in the order in which they came: an order that never dances. */
  shown: Row[] = [];
  edges: Edges = new Edges();
  total = 0;
  missed = false;
  /** Opened, closed and failed from each of the latest reports to the next. */
  readonly series: { readonly opened: number[]; readonly closed: number[]; readonly failed: number[] } = {
    opened: [],
    closed: [],
    failed: [],
  };
  readonly #rows = new Map<number, Row>();
  readonly #ended = new Map<number, Row>();
  #counts = { opened: 0, closed: 0, failed: 0 };
  #filter: Filter | undefined;
  readonly #listeners = new Set<() => void>();

  /** Calls back when something is new; gives back how to stop. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A connection that is known. */
  row(id: number): Row | undefined {
    return this.#rows.get(id) ?? this.#ended.get(id);
  }

  /** Forgets everything: a beginning, or another moment of a replay. */
  reset(missed = false): void {
    this.#rows.clear();
    this.#ended.clear();
    this.missed ||= missed;
    this.#draw();
  }

  /** Takes some that live, without counting them as opened: more of them follow. */
  living(connections: readonly ConnectionJson[]): void {
    for (const each of connections) this.#put(each, undefined);
  }

  /** Takes changes, without telling. */
  changes({ opened, changed, closed, gone }: Changes, nowMs: number): void {
    for (const each of opened) {
      this.#counts.opened += each.count;
      this.#put(each, undefined);
    }
    for (const each of changed) this.#put(each, undefined);
    for (const each of closed) {
      if (!this.#rows.has(each.id)) this.#counts.opened += each.count;
      if (each.state === "failed") this.#counts.failed += each.count;
      else this.#counts.closed += each.count;
      this.#put(each, nowMs);
    }
    for (const id of gone) this.#take(this.#rows, id);
    for (const [id, { endedMs }] of this.#ended) {
      if (this.#ended.size <= MOST_ENDED && nowMs - endedMs! < KEEP_ENDED_MS) break;
      this.#take(this.#ended, id);
    }
  }

  /** Takes the bytes of connections that live. */
  bytes(figures: readonly (readonly [id: number, original: number, reply: number, exact?: ExactJson])[]): void {
    for (const [id, original, reply, exact] of figures) {
      const row = this.#rows.get(id);
      if (row?.c.counters === undefined) continue;
      const { counters } = row.c;
      const now = {
        original: { ...counters.original, bytes: original },
        reply: { ...counters.reply, bytes: reply },
        ...(exact !== undefined && { exact }),
      };
      const next = { ...row, c: { ...row.c, counters: now } };
      if (row.shown) this.edges.count(row, next);
      this.#rows.set(id, next);
    }
  }

  /** A report was made: the figures go on by one. */
  report(health: HealthJson, windowEnd: string | null): void {
    this.health = health;
    this.windowEnd = windowEnd;
    for (const [name, points] of Object.entries(this.series)) {
      points.push(this.#counts[name as keyof Store["series"]]);
      if (points.length > MOST_POINTS) points.shift();
    }
    this.#counts = { opened: 0, closed: 0, failed: 0 };
  }

  /** Asks for less. A wrong expression is told, and the one before stays. */
  ask(text: string): void {
    this.filterText = text;
    try {
      this.#filter = text.trim() === "" ? undefined : compileFilter(text, this.fields);
      this.filterError = undefined;
    } catch (error) {
      if (!isQueryError(error)) throw error;
      this.filterError = error.message;
      this.tell();
      return;
    }
    const [living, ended] = [[...this.#rows.values()], [...this.#ended.values()]];
    this.#rows.clear();
    this.#ended.clear();
    this.#draw();
    for (const { c } of living) this.#put(c, undefined);
    for (const { c, endedMs } of ended) this.#put(c, endedMs);
    this.tell();
  }

  /** Brings the list up to date and tells every view. */
  tell(): void {
    this.shown = [...this.#rows.values(), ...this.#ended.values()].filter(({ shown }) => shown);
    this.total = this.#rows.size;
    for (const listener of this.#listeners) listener();
  }

  #draw(): void {
    this.edges = new Edges();
  }

  #put(connection: ConnectionJson, endedMs: number | undefined): void {
    const { id } = connection;
    const before = this.row(id);
    const service = this.fields.read("service", connection) as string;
    const row: Row = {
      id,
      c: connection,
      shown: this.#filter?.matches(connection) ?? true,
      edge: Edges.key(connection, service),
      endedMs,
    };
    // The new one first: an edge that has only this connection keeps its boxes where they are.
    if (row.shown) this.edges.add(row, service);
    if (before?.shown) this.edges.remove(before);
    if (endedMs === undefined) this.#rows.set(id, row);
    else {
      this.#rows.delete(id);
      this.#ended.set(id, row);
    }
  }

  #take(from: Map<number, Row>, id: number): void {
    const row = from.get(id);
    if (row === undefined) return;
    from.delete(id);
    if (row.shown) this.edges.remove(row);
  }
}
