/** What changed from one report to the next: the connections by identity, so that those who listen are told news only. */
import { CONNECTION_STATE } from "@conntrail/model";
import type { ConnectionJson, Report } from "@conntrail/report";
import { connectionDigest, connectionKey } from "./connection-key.ts";

/** A connection with its identity. */
export interface Told {
  readonly id: string;
  readonly connection: ConnectionJson;
}

/** The news of one report. A closed or failed connection comes as `ended`, once, and is in no later batch. */
export interface Changes {
  readonly sequence: number;
  readonly window: Report["window"];
  readonly health: Report["health"];
  /** New, or with something new about them. */
  readonly changed: readonly Told[];
  readonly ended: readonly Told[];
  /** In the report before, and in this one no more: their end was not told. */
  readonly gone: readonly string[];
}

interface Known {
  digest: string;
  told: Told;
  sequence: number;
}

/** The connections that live, as of the latest report. */
export class LiveTable {
  readonly #known = new Map<string, Known>();

  /** Those that live, in the order in which they came. */
  *living(): IterableIterator<Told> {
    for (const { told } of this.#known.values()) yield told;
  }

  /** Takes a report and tells what is new in it. */
  take(report: Report): Changes {
    const changed: Told[] = [];
    const ended: Told[] = [];
    const { raw } = report;
    for (let row = 0; row < report.length; row++) {
      const id = connectionKey(raw, row);
      const state = CONNECTION_STATE[raw.columns.state[row]!]!;
      if (state === "closed" || state === "failed") {
        this.#known.delete(id);
        ended.push({ id, connection: report.connection(row).toJSON() });
        continue;
      }
      const digest = connectionDigest(raw, row);
      const known = this.#known.get(id);
      if (known?.digest === digest) {
        known.sequence = report.sequence;
        continue;
      }
      const told = { id, connection: report.connection(row).toJSON() };
      this.#known.set(id, { digest, told, sequence: report.sequence });
      changed.push(told);
    }
    return {
      sequence: report.sequence,
      window: report.window,
      health: report.health,
      changed,
      ended,
      gone: this.#forgetOthers(report.sequence),
    };
  }

  #forgetOthers(sequence: number): string[] {
    const gone: string[] = [];
    for (const [id, known] of this.#known) {
      if (known.sequence === sequence) continue;
      this.#known.delete(id);
      gone.push(id);
    }
    return gone;
  }
}
