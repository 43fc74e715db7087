/** A host whose reports are made up, and what changes from one to the next: as the reporter tells it, a snapshot first for everyone. */
import type { Connection, Report } from "@conntrail/report";
import type { ChangeSource, ToldChange } from "@conntrail/serve";

type Observer = Parameters<ChangeSource["subscribe"]>[0];

/** The host. */
export class ToldHost implements ChangeSource {
  readonly #observers = new Set<Observer>();
  readonly #ended = new Set<number>();
  #living = new Map<number, Connection>();

  subscribe(observer: Observer): { unsubscribe(): void } {
    this.#observers.add(observer);
    observer.next({ kind: "snapshot", lost: 0, connections: () => this.#living.values() });
    return { unsubscribe: () => void this.#observers.delete(observer) };
  }

  /** Takes a report and tells what changed. */
  take(report: Report): void {
    const before = this.#living;
    this.#living = new Map();
    for (const connection of report.connections()) {
      const { id, state } = connection;
      const known = before.get(id);
      before.delete(id);
      if (state === "closed" || state === "failed") {
        if (!this.#ended.has(id)) this.#tell({ kind: "closed", id, connection });
        this.#ended.add(id);
        continue;
      }
      this.#living.set(id, connection);
      if (known === undefined) this.#tell({ kind: "opened", id, connection });
      else if (known.state !== state) this.#tell({ kind: "changed", id, connection });
    }
    for (const id of before.keys()) this.#tell({ kind: "gone", id });
  }

  #tell(change: ToldChange): void {
    for (const observer of this.#observers) observer.next(change);
  }
}
