/** A report as its reader sees it: a lazy view over columns. Nothing is built before it is asked for. */
import { inspect } from "node:util";
import type { Connection } from "./connection.ts";
import { viewConnection } from "./connection.ts";
import type { Elided } from "./elision.ts";
import { healthJson, hostJson, processesJson, windowJson } from "./header-json.ts";

import {
  type ConnectionJson,
  type HealthJson,
  type HostJson,
  REPORT_SCHEMA,
  type ReportJson,
  type WindowJson,
} from "./json-shape.ts";
import type { RawReport } from "./raw-report.ts";
import { selectionOf } from "./selection.ts";

/** A report. It owns its columns; nothing changes it. */
export interface Report {
  /** 1 for the reporter's first report, one more for each. */
  readonly sequence: number;
  readonly host: HostJson;
  readonly window: WindowJson;
  readonly health: HealthJson;
  /** Rows: connections, or groups of them (`count`). */
  readonly length: number;
  /** Row `index`. Throws `RangeError` when there is none. */
  connection(index: number): Connection;
  connections(): IterableIterator<Connection>;
  /** What the reporter's `limit` left out; undefined: nothing. */
  readonly elided: Elided | undefined;
  /** Columns, owners and names as they are, times in Unix milliseconds: for whoever reads many rows. */
  readonly raw: RawReport;
  /** The contract's shape, of each connection the members that were selected. For a report of many connections `encodeJson` gives the same bytes far sooner. */
  toJSON(): ReportJson;
}

/** The view of a report's data. */
export function viewReport(raw: RawReport): Report {
  return new ReportView(raw);
}

/** What stands before `connections`. */
export function reportHeader(raw: RawReport): Omit<ReportJson, "connections" | "processes" | "elided"> {
  return {
    schema: REPORT_SCHEMA,
    sequence: raw.sequence,
    host: hostJson(raw.host),
    window: windowJson(raw.window),
    health: healthJson(raw.health, raw.window.endMs),
  };
}

class ReportView implements Report {
  readonly raw: RawReport;

  constructor(raw: RawReport) {
    this.raw = raw;
  }

  get sequence(): number {
    return this.raw.sequence;
  }

  get host(): HostJson {
    return hostJson(this.raw.host);
  }

  get window(): WindowJson {
    return windowJson(this.raw.window);
  }

  get health(): HealthJson {
    return healthJson(this.raw.health, this.raw.window.endMs);
  }

  get length(): number {
    return this.raw.columns.length;
  }

  get elided(): Elided | undefined {
    return this.raw.elided;
  }

  connection(index: number): Connection {
    if (!(Number.isInteger(index) && index >= 0 && index < this.length)) {
      throw new RangeError(`connection: expected 0 to ${this.length - 1}, got ${index}`);
    }
    return viewConnection(this.raw, index);
  }

  *connections(): IterableIterator<Connection> {
    for (let row = 0; row < this.length; row++) yield viewConnection(this.raw, row);
  }

  toJSON(): ReportJson {
    const selection = selectionOf(this.raw);
    const connections = Array.from(
      this.connections(),
      (connection) => (selection?.of(connection) ?? connection.toJSON()) as ConnectionJson,
    );
    const { elided } = this.raw;
    return {
      ...reportHeader(this.raw),
      connections,
      processes: processesJson(this.raw, this.length),
      ...(elided && { elided }),
    };
  }

  /** What console.log shows: everything but the connections. */
  [inspect.custom](): object {
    return { ...reportHeader(this.raw), length: this.length };
  }
}
