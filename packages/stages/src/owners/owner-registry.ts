/**
 * The processes that rows refer to, by small ids that outlive the socket table they came with: a closed connection keeps its
 * owner (F27). A process is its pid and start time together. Ids are given back when no row refers to them any more.
 */
import type { Owner } from "@conntrail/model";

const FIRST_SWEEP = 1024;

/** The registry. Id 0 is nobody. */
export class OwnerRegistry {
  readonly #owners: (Owner | undefined)[] = [undefined];
  readonly #idOfPid = new Map<number, number>();
  readonly #free: number[] = [];
  /** Per id: the list that used it last, and its place there (1-based). */
  readonly #usedIn: (readonly Owner[] | undefined)[] = [undefined];
  readonly #place: number[] = [0];
  #size = 0;
  /** Size at which unused ids are looked for. */
  #sweepAt = FIRST_SWEEP;

  /** The id of a process; what is known of it is replaced by `owner` (a name changes with execve(2), the identity does not). */
  register(owner: Owner): number {
    const known = this.#idOfPid.get(owner.pid);
    if (known !== undefined && this.#owners[known]!.startTicks === owner.startTicks) {
      this.#owners[known] = owner;
      return known;
    }
    const id = this.#free.pop() ?? this.#owners.length;
    this.#owners[id] = owner;
    this.#usedIn[id] = undefined;
    this.#place[id] = 0;
    this.#idOfPid.set(owner.pid, id);
    this.#size++;
    return id;
  }

  /** The place of an owner in the list of a snapshot (1-based; 0 for nobody), where it is put when it is not there yet. */
  placeIn(list: Owner[], id: number): number {
    if (id === 0) return 0;
    if (this.#usedIn[id] !== list) {
      this.#usedIn[id] = list;
      this.#place[id] = list.push(this.#owners[id]!);
    }
    return this.#place[id]!;
  }

  /** Gives back the ids that `visit` does not name; only when the registry has doubled since the last time. */
  sweep(visit: (keep: (id: number) => void) => void): void {
    if (this.#size < this.#sweepAt) return;
    const kept = new Uint8Array(this.#owners.length);
    visit((id) => {
      kept[id] = 1;
    });
    for (let id = 1; id < kept.length; id++) {
      const owner = this.#owners[id];
      if (kept[id] === 1 || owner === undefined) continue;
      if (this.#idOfPid.get(owner.pid) === id) this.#idOfPid.delete(owner.pid);
      this.#owners[id] = undefined;
      this.#usedIn[id] = undefined;
      this.#free.push(id);
      this.#size--;
    }
    this.#sweepAt = Math.max(FIRST_SWEEP, this.#size * 2);
  }
}
