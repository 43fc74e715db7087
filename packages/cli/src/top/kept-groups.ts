/** Groups that keep their place from report to report: a list whose lines jump cannot be watched. */
import type { Group } from "@conntrail/query";

/** A group and since which report it has not been there. */
export interface KeptGroup {
  readonly id: string;
  readonly group: Group;
  /** Not in the latest report: it is shown a while longer, with its last figures. */
  readonly gone: boolean;
}

/** Reports for which a group that is gone is still shown. */
const KEPT_REPORTS = 10;

/** The groups on the screen. New ones come last, until the order is asked for anew. */
export class KeptGroups {
  #rows: { id: string; group: Group; missed: number }[] = [];

  /** Takes the groups of the next report, in the order that was asked for. */
  take(groups: readonly Group[]): void {
    const fresh = new Map(groups.map((group) => [idOf(group), group]));
    this.#rows = this.#rows.flatMap((row) => {
      const group = fresh.get(row.id);
      fresh.delete(row.id);
      if (group !== undefined) return [{ ...row, group, missed: 0 }];
      return row.missed < KEPT_REPORTS ? [{ ...row, group: ended(row.group), missed: row.missed + 1 }] : [];
    });
    for (const [id, group] of fresh) this.#rows.push({ id, group, missed: 0 });
  }

  /** Puts them in the order of `groups`; what is gone goes for good. */
  order(groups: readonly Group[]): void {
    this.#rows = groups.map((group) => ({ id: idOf(group), group, missed: 0 }));
  }

  /** The groups from top to bottom. */
  get rows(): readonly KeptGroup[] {
    return this.#rows.map(({ id, group, missed }) => ({ id, group, gone: missed > 0 }));
  }
}

/** What tells a group from others. */
function idOf({ keys }: Group): string {
  return JSON.stringify(keys);
}

/** Nothing is open or new in a group that is gone. */
function ended(group: Group): Group {
  return { ...group, connections: 0, open: 0, opened: 0, closed: 0, failed: 0 };
}
