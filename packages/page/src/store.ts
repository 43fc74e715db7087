/** What the page knows: connections that live, those that ended lately, the picture and the figures. Batches come in, views are told. */
import { compileFilter, Fields, type Filter, isQueryError } from "@conntrail/query";
import type { ConnectionJson, HealthJson } from "@conntrail/report";
import { Edges } from "./edges.ts";
import type { Row } from "./row.ts";

/** A connection as the server tells it. */
export interface Told {
  readonly id: string;
  readonly connection: ConnectionJson;
}

/** Connections that ended are shown for so long, and so many of them. */
const KEEP_ENDED_MS = 60_000;
const MOST_ENDED = 2000;
/** Batches that the figures go back. */
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
  /** Opened, closed and failed in each of the latest batches. */
  readonly series: { readonly opened: number[]; readonly closed: number[]; readonly failed: number[] } = {
    opened: [],
    closed: [],
    failed: [],
  };
  readonly #rows = new Map<string, Row>();
  readonly #ended = new Map<string, Row>();
  #filter: Filter | undefined;
  readonly #listeners = new Set<() => void>();

  /** Calls back when something is new; gives back how to stop. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A connection that is known. */
  row(id: string): Row | undefined {
    return this.#rows.get(id) ?? this.#ended.get(id);
  }

  /** Forgets everything: a beginning, or another moment of a replay. */
  reset(missed = false): void {
    this.#rows.clear();
    this.#ended.clear();
    this.missed ||= missed;
    this.#draw();
  }

  /** Takes some that live, without telling: more of them follow. */
  living(told: readonly Told[]): void {
    for (const each of told) this.#put(each, undefined);
  }

  /** Takes the news of a report. */
  changes(changed: readonly Told[], ended: readonly Told[], gone: readonly string[], nowMs: number): void {
    let [opened, closed, failed] = [0, 0, 0];
    for (const each of changed) {
      if (!this.#rows.has(each.id)) opened += each.connection.count;
      this.#put(each, undefined);
    }
    for (const each of ended) {
      if (!this.#rows.has(each.id)) opened += each.connection.count;
      if (each.connection.state === "failed") failed += each.connection.count;
      else closed += each.connection.count;
      this.#put(each, nowMs);
    }
    for (const id of gone) this.#take(this.#rows, id);
    for (const [id, { endedMs }] of this.#ended) {
      if (this.#ended.size <= MOST_ENDED && nowMs - endedMs! < KEEP_ENDED_MS) break;
      this.#take(this.#ended, id);
    }
    for (const [name, value] of Object.entries({ opened, closed, failed })) {
      const points = this.series[name as keyof Store["series"]];
      points.push(value);
      if (points.length > MOST_POINTS) points.shift();
    }
    this.tell();
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
    for (const { id, c } of living) this.#put({ id, connection: c }, undefined);
    for (const { id, c, endedMs } of ended) this.#put({ id, connection: c }, endedMs);
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

  #put({ id, connection }: Told, endedMs: number | undefined): void {
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

  #take(from: Map<string, Row>, id: string): void {
    const row = from.get(id);
    if (row === undefined) return;
    from.delete(id);
    if (row.shown) this.edges.remove(row);
  }
}
