/** The stage that says what is new: it compares each snapshot with what was told before. The same code finds the changes of a few connections and of all of them. */
import { CHANGE_KIND, type Changes, CONNECTION_FLAG, CONNECTION_STATE, indexOf, type Snapshot } from "@conntrail/model";
import { defer, map } from "rxjs";
import type { Stage } from "../stage.ts";
import { memberWords } from "./member-words.ts";
import { TOLD_WORDS, ToldConnections } from "./told-connections.ts";

const KIND = {
  opened: indexOf(CHANGE_KIND, "opened"),
  changed: indexOf(CHANGE_KIND, "changed"),
  closed: indexOf(CHANGE_KIND, "closed"),
  brief: indexOf(CHANGE_KIND, "brief"),
};

const ENDED = new Set([indexOf(CONNECTION_STATE, "closed"), indexOf(CONNECTION_STATE, "failed")]);

/** Adds `changes` to each snapshot that has `news`; all others pass. Names and owners must be in. Ends and fails with its source; what was told is forgotten then. */
export function findChanges(): Stage<Snapshot, Snapshot> {
  return (snapshots$) =>
    defer(() => {
      const told = new ToldConnections();
      return snapshots$.pipe(
        map((snapshot) =>
          snapshot.news === undefined ? snapshot : { ...snapshot, changes: new Comparison(told, snapshot).run() },
        ),
      );
    });
}

/** The work on one snapshot. */
class Comparison {
  readonly #told: ToldConnections;
  readonly #snapshot: Snapshot;
  readonly #words: Uint32Array;
  readonly #kinds: number[] = [];
  readonly #rows: number[] = [];
  readonly #members: number[] = [];
  readonly #gone: number[] = [];
  readonly #living: number[] = [];

  constructor(told: ToldConnections, snapshot: Snapshot) {
    this.#told = told;
    this.#snapshot = snapshot;
    this.#words = memberWords(snapshot);
  }

  run(): Changes {
    const { columns, news } = this.#snapshot;
    const { all, left } = news!;
    if (all) this.#told.beginLook();
    const here = all ? undefined : new Set<number>();
    for (let row = 0; row < columns.length; row++) {
      this.#compare(row);
      here?.add(columns.id[row]!);
    }
    if (all) this.#told.endLook((id) => this.#gone.push(id));
    else for (const id of left) if (!here!.has(id)) this.#leave(id);
    return {
      kinds: Uint8Array.from(this.#kinds),
      rows: Uint32Array.from(this.#rows),
      members: Uint8Array.from(this.#members),
      gone: Float64Array.from(this.#gone),
      living: Uint32Array.from(this.#living),
    };
  }

  #compare(row: number): void {
    const { columns } = this.#snapshot;
    const told = this.#told;
    const over = ENDED.has(columns.state[row]!);
    if (!over) this.#living.push(row);
    let place = told.find(columns.id[row]!);
    if (place < 0) {
      place = told.add(columns.id[row]!);
      const isSum = (columns.flags[row]! & CONNECTION_FLAG.aggregated) !== 0;
      this.#tell(over ? (isSum ? KIND.closed : KIND.brief) : KIND.opened, row, 0);
    } else {
      told.meet(place);
      if (told.isOver(place)) {
        if (over) return;
        // What was taken for over lives: its entry was lost, and is back.
        told.setOver(place, false);
        this.#tell(KIND.opened, row, 0);
        this.#note(place, row);
        return;
      }
      const members = this.#difference(place, row);
      if (over) this.#tell(KIND.closed, row, members);
      else if (members !== 0) this.#tell(KIND.changed, row, members);
    }
    if (over) told.setOver(place, true);
    this.#note(place, row);
  }

  /** Keeps what is told now. */
  #note(place: number, row: number): void {
    const at = place * TOLD_WORDS;
    for (let i = 0; i < TOLD_WORDS; i++) this.#told.words[at + i] = this.#words[row * TOLD_WORDS + i]!;
  }

  /** CHANGED_MEMBER bits: they stand in the order of the words. */
  #difference(place: number, row: number): number {
    const before = this.#told.words;
    let members = 0;
    for (let i = 0; i < TOLD_WORDS; i++) {
      if (before[place * TOLD_WORDS + i] !== this.#words[row * TOLD_WORDS + i]) members |= 1 << i;
    }
    return members;
  }

  #leave(id: number): void {
    const place = this.#told.find(id);
    if (place < 0) return;
    if (!this.#told.isOver(place)) this.#gone.push(id);
    this.#told.remove(place);
  }

  #tell(kind: number, row: number, members: number): void {
    this.#kinds.push(kind);
    this.#rows.push(row);
    this.#members.push(members);
  }
}
