/**
 * Changes over histories whose truth is known: what was told first and every change after it, applied in order, are each later report's living connections exactly. A look at
 * what was touched finds everything that a look at all connections would, but names: those are not the merge's to notice.
 */
import { CHANGE_KIND, CHANGED_MEMBER, type ReportContent } from "@conntrail/model";
import { type ConnectionJson, viewReport } from "@conntrail/report";
import { expect, test } from "vitest";
import { observe } from "./observe/observe.ts";
import { makePlan } from "./observe/plan.ts";
import { SEASONS, seasonOf } from "./season.ts";
import { makeHistory, WHOLE } from "./truth/history.ts";

const HISTORIES = 40;

/** What a reader of changes has. */
class Picture {
  readonly living = new Map<number, string>();
  readonly closed = new Set<number>();
  readonly faults: string[] = [];
  /** What the last report was the first to tell: it waits for nothing. */
  #lately: string[] = [];
  changes = 0;
  /** Connections that were taken for over, and lived. */
  reopened = 0;
  #begun = false;
  #ignored = new Set<number>();

  take(content: ReportContent): void {
    if (content.changes === undefined) return;
    const rows = [...viewReport(content).connections()].map((connection) => connection.toJSON());
    if (!this.#begun) {
      this.#begun = true;
      const living = new Set(content.changes.living);
      for (const [row, each] of rows.entries()) {
        if (living.has(row)) this.living.set(each.id, toldOf(each));
        else this.#ignored.add(each.id);
      }
      return;
    }
    this.faults.push(...this.#lately);
    this.#lately = [];
    this.#apply(content, rows);
    if (content.isReport !== false) this.#compare(rows);
  }

  #apply({ changes, isReport }: ReportContent, rows: readonly ConnectionJson[]): void {
    const { kinds, rows: places, members, gone } = changes!;
    for (const [i, place] of places.entries()) {
      const row = rows[place]!;
      const kind = CHANGE_KIND[kinds[i]!]!;
      this.changes++;
      if (this.closed.has(row.id)) {
        if (kind !== "opened") this.faults.push(`${kind} after closed: ${row.id}`);
        this.closed.delete(row.id);
        this.reopened++;
      }
      if (isReport !== false && members[i] !== CHANGED_MEMBER.names && row.count === 1) {
        this.#lately.push(`${kind} was found by a report alone, members ${members[i]}: ${JSON.stringify(row)}`);
      }
      if (kind === "closed" || kind === "brief") {
        if (kind === "closed" && row.count === 1 && !this.living.delete(row.id))
          this.faults.push(`closed was not open: ${row.id}`);
        this.closed.add(row.id);
      } else {
        if (this.living.has(row.id) !== (kind === "changed")) this.faults.push(`${kind} at the wrong time: ${row.id}`);
        this.living.set(row.id, toldOf(row));
      }
    }
    for (const id of gone) if (!this.living.delete(id)) this.faults.push(`gone was not there: ${id}`);
  }

  #compare(rows: readonly ConnectionJson[]): void {
    const told = new Map(this.living);
    for (const row of rows) {
      if (row.state === "closed" || row.state === "failed") {
        if (this.#ignored.has(row.id)) continue;
        if (!this.closed.has(row.id)) this.faults.push(`reported as over, not told: ${row.id}`);
      } else {
        if (told.get(row.id) !== toldOf(row)) this.faults.push(`told ${told.get(row.id)}, reported ${toldOf(row)}`);
        told.delete(row.id);
      }
    }
    for (const id of told.keys()) this.faults.push(`told as living, not reported: ${id}`);
  }
}

/** What a change is about: everything but that it still lives and how much it sent; and its beginning, which a clock that is set moves. */
function toldOf({
  lastSeen: _last,
  firstSeen: _first,
  counters: _counters,
  tcp: _tcp,
  ...told
}: ConnectionJson): string {
  return JSON.stringify(told);
}

test.each(Object.keys(SEASONS))(
  "the first picture and the changes are the last report, in %s histories",
  (season) => {
    let changes = 0;
    let reopened = 0;
    for (let seed = 1; seed <= HISTORIES; seed++) {
      const { climate, weather } = seasonOf(season);
      const history = makeHistory(seed, climate, WHOLE);
      const plan = makePlan(seed, history.places.length, history.lengthMs, weather, WHOLE);
      const picture = new Picture();
      observe(history, plan, WHOLE, undefined, (content) => picture.take(content));
      expect(picture.faults.slice(0, 3), `seed ${seed}, ${picture.faults.length} faults`).toEqual([]);
      changes += picture.changes;
      reopened += picture.reopened;
    }
    expect(reopened, "only where entries are lost does one that was over live").toBeLessThanOrEqual(
      season === "rough" ? 4 : 0,
    );
    expect(changes).toBeGreaterThan(5 * HISTORIES);
  },
  60_000,
);
