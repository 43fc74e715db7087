/**
 * The processes that rows refer to, by small ids that outlive the socket table they came with: a closed connection keeps its
 * owner (F27). A process is its pid and start time together. Ids are given back when no row refers to them any more.
 */
import type { Owner } from "@conntrail/model";

/** The registry. Id 0 is nobody. */
export interface OwnerRegistry {
  readonly owners: (Owner | undefined)[];
  readonly idOfPid: Map<number, number>;
  readonly free: number[];
  /** Per id: the snapshot that used it last, and its place there (1-based). */
  readonly usedIn: number[];
  readonly place: number[];
  size: number;
  /** Size at which unused ids are looked for. */
  sweepAt: number;
}

const FIRST_SWEEP = 1024;

/** A registry that knows nobody. */
export function createOwnerRegistry(): OwnerRegistry {
  return {
    owners: [undefined],
    idOfPid: new Map(),
    free: [],
    usedIn: [0],
    place: [0],
    size: 0,
    sweepAt: FIRST_SWEEP,
  };
}

/** The id of a process; what is known of it is replaced by `owner` (a name changes with execve(2), the identity does not). */
export function registerOwner(registry: OwnerRegistry, owner: Owner): number {
  const known = registry.idOfPid.get(owner.pid);
  if (known !== undefined && registry.owners[known]!.startTicks === owner.startTicks) {
    registry.owners[known] = owner;
    return known;
  }
  const id = registry.free.pop() ?? registry.owners.length;
  registry.owners[id] = owner;
  registry.usedIn[id] = 0;
  registry.place[id] = 0;
  registry.idOfPid.set(owner.pid, id);
  registry.size++;
  return id;
}

/** The place of an owner in the list of snapshot number `snapshot` (from 1), where it is put when it is not there yet. */
export function placeOwner(registry: OwnerRegistry, id: number, snapshot: number, list: Owner[]): number {
  if (id === 0) return 0;
  if (registry.usedIn[id] !== snapshot) {
    registry.usedIn[id] = snapshot;
    registry.place[id] = list.push(registry.owners[id]!);
  }
  return registry.place[id]!;
}

/** Gives back the ids that `visit` does not name; only when the registry has doubled since the last time. */
export function sweepOwners(registry: OwnerRegistry, visit: (keep: (id: number) => void) => void): void {
  if (registry.size < registry.sweepAt) return;
  const kept = new Uint8Array(registry.owners.length);
  visit((id) => {
    kept[id] = 1;
  });
  for (let id = 1; id < kept.length; id++) {
    const owner = registry.owners[id];
    if (kept[id] === 1 || owner === undefined) continue;
    if (registry.idOfPid.get(owner.pid) === id) registry.idOfPid.delete(owner.pid);
    registry.owners[id] = undefined;
    registry.free.push(id);
    registry.size--;
  }
  registry.sweepAt = Math.max(FIRST_SWEEP, registry.size * 2);
}
