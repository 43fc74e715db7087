/** The owners of one snapshot, while processes from the trace are added to those that the merge named. */
import type { Owner } from "@conntrail/model";

/** A start that was reckoned from an event may differ from that of /proc by so many ticks. */
const TOLERANCE_TICKS = 3;

/** A list that grows, and the places in it. */
export class OwnerPlaces {
  readonly #owners: Owner[];
  /** By pid, all places: a pid may be used again within a report, and a process may have two names. */
  readonly #byPid = new Map<number, number[]>();
  readonly #places = new Map<Owner, number>();

  constructor(owners: readonly Owner[]) {
    this.#owners = [...owners];
    for (const [i, { pid }] of owners.entries()) this.#note(pid, i + 1);
  }

  /** The owners, each once. */
  get list(): readonly Owner[] {
    return this.#owners;
  }

  /** The place of an owner, 1-based: that of the same process under the same name where it is there already. */
  place(owner: Owner): number {
    const known = this.#places.get(owner) ?? this.#find(owner);
    if (known !== undefined) return known;
    const place = this.#owners.push(owner);
    this.#note(owner.pid, place);
    this.#places.set(owner, place);
    return place;
  }

  #find({ pid, startTicks, process }: Owner): number | undefined {
    return this.#byPid.get(pid)?.find((place) => {
      const other = this.#owners[place - 1]!;
      return Math.abs(other.startTicks - startTicks) <= TOLERANCE_TICKS && other.process === process;
    });
  }

  #note(pid: number, place: number): void {
    const places = this.#byPid.get(pid);
    if (places === undefined) this.#byPid.set(pid, [place]);
    else places.push(place);
  }
}
