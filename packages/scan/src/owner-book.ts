/** The owners that a table names: each process once, described when the first of its sockets is found. */
import type { Owner } from "@conntrail/model";
import { isParseError, readPidCgroup, readPidCmdline, readPidStat, readUid, type UserNames } from "@conntrail/procfs";
import type { Acceptors } from "./acceptors.ts";
import type { ScanSettings } from "./options.ts";
import { orForbidden } from "./or-forbidden.ts";
import type { OwnerSearch } from "./owner-search.ts";
import type { ProcessEntry } from "./process-entry.ts";
import type { OwnerLookup } from "./table-builder.ts";

/** A process this young is described anew in each scan: it may still be about to run another program (execve(2) keeps pid and start time). */
const YOUNG_SCANS = 3;

const HOLDER_WORDS = 3;

/** What it must know of the settings. */
type BookSettings = Pick<ScanSettings, "root" | "commandLines"> & { readonly users: UserNames };

/** The owners of one table. */
export class OwnerBook implements OwnerLookup {
  readonly owners: Owner[] = [];
  readonly #settings: BookSettings;
  readonly #search: OwnerSearch;
  readonly #acceptors: Acceptors;
  readonly #scan: number;
  /** By slot: 1 + index into `owners`. */
  readonly #places: number[] = [];
  readonly #byPid = new Map<number, number>();

  constructor(settings: BookSettings, search: OwnerSearch, acceptors: Acceptors, scan: number) {
    this.#settings = settings;
    this.#search = search;
    this.#acceptors = acceptors;
    this.#scan = scan;
  }

  find(inode: number, listens: boolean): number {
    const slot = this.#search.ownerSlot(inode);
    if (slot < 0) return 0;
    return listens && this.#search.holders(inode) > 1 ? this.#acceptor(inode, slot) : this.#place(slot);
  }

  /**
   * Of several processes that hold a listener, the one with the lowest pid if all are one program, as the parent of a pre-forking server (F26); else the one
   * that was seen with a connection of its port; else none: a service manager holds the sockets of its services too, and accepts nothing (F54).
   */
  #acceptor(inode: number, lowest: number): number {
    const programs = new Set<string>();
    for (const slot of this.#search.holderSlots(inode)) programs.add(programOf(this.#owner(slot)));
    if (programs.size === 1) return this.#place(lowest);
    const acceptor = this.#acceptors.slotOf(inode);
    return acceptor < 0 ? 0 : this.#place(acceptor);
  }

  #place(slot: number): number {
    this.#places[slot] ??= this.#placeOfPid(slot);
    return this.#places[slot]!;
  }

  /** A process and a thread of it with descriptors of its own are one owner. */
  #placeOfPid(slot: number): number {
    const { pid } = this.#search.processes.at(slot);
    const place = this.#byPid.get(pid) ?? this.owners.push(this.#owner(slot));
    this.#byPid.set(pid, place);
    return place;
  }

  #owner(slot: number): Owner {
    return describe(this.#settings, this.#search.processes.at(slot), this.#scan);
  }

  holders(inode: number): number {
    return this.#search.holders(inode);
  }

  /** As in `ScanRecord.holders`. `inodes` must be ascending. */
  triples(inodes: Uint32Array, listens: (inode: number) => boolean): Uint32Array {
    const words = new Uint32Array(inodes.length * HOLDER_WORDS);
    let length = 0;
    for (const inode of inodes) {
      const place = this.find(inode, listens(inode));
      const holders = this.holders(inode);
      if (holders === 0) continue;
      words.set([inode, place, holders], length);
      length += HOLDER_WORDS;
    }
    return words.slice(0, length);
  }
}

/** The first word of its name: servers add what each of their processes is for. */
function programOf({ process }: Owner): string {
  return /^[\w.-]*/.exec(process)![0];
}

function describe(settings: BookSettings, process: ProcessEntry, scan: number): Owner {
  const known = process.ownerScan > 0 && scan - process.bornScan >= YOUNG_SCANS;
  if (process.owner === undefined || !known) {
    process.owner = read(settings, process) ?? process.owner ?? unknown(process);
    process.ownerScan = scan;
  }
  return process.owner;
}

/** `undefined` when the process is gone, or its pid already belongs to another one (F27). */
function read({ root, commandLines, users }: BookSettings, { pid, startTicks }: ProcessEntry): Owner | undefined {
  try {
    const stat = orForbidden(() => readPidStat(root, pid));
    if (stat === undefined || stat.startTicks !== startTicks) return undefined;
    const cgroup = orForbidden(() => readPidCgroup(root, pid));
    const uid = orForbidden(() => readUid(root, pid));
    const user = uid === undefined || cgroup?.containerId !== "" ? undefined : users.name(uid);
    return {
      pid,
      startTicks,
      process: stat.comm,
      ppid: stat.ppid,
      cmdline: (commandLines ? orForbidden(() => readPidCmdline(root, pid)) : undefined) ?? "",
      cgroup: cgroup?.path ?? "",
      containerId: cgroup?.containerId ?? "",
      ...(uid !== undefined && { uid }),
      ...(user !== undefined && { user }),
    };
  } catch (error) {
    if (isParseError(error)) return undefined;
    throw error;
  }
}

/** It ended between the walk and now: that it held the socket is still true. */
function unknown({ pid, startTicks }: ProcessEntry): Owner {
  return { pid, startTicks, process: "", ppid: 0, cmdline: "", cgroup: "", containerId: "" };
}
