/** The owners that a table names: each process once, described when the first of its sockets is found. */
import type { Owner } from "@conntrail/model";
import { isParseError, readPidCgroup, readPidCmdline, readPidStat } from "@conntrail/procfs";
import type { ScanSettings } from "./options.ts";
import { orForbidden } from "./or-forbidden.ts";
import type { OwnerSearch } from "./owner-search.ts";
import type { ProcessEntry } from "./process-table.ts";
import type { OwnerLookup } from "./table-builder.ts";

/** A process this young is described anew in each scan: it may still be about to run another program (execve(2) keeps pid and start time). */
const YOUNG_SCANS = 3;

const HOLDER_WORDS = 3;

/** What it must know of the settings. */
type BookSettings = Pick<ScanSettings, "root" | "commandLines">;

/** The owners of one table. */
export class OwnerBook implements OwnerLookup {
  readonly owners: Owner[] = [];
  readonly #settings: BookSettings;
  readonly #search: OwnerSearch;
  readonly #scan: number;
  /** By slot: 1 + index into `owners`. */
  readonly #places: number[] = [];

  constructor(settings: BookSettings, search: OwnerSearch, scan: number) {
    this.#settings = settings;
    this.#search = search;
    this.#scan = scan;
  }

  find(inode: number): number {
    const slot = this.#search.ownerSlot(inode);
    if (slot < 0) return 0;
    this.#places[slot] ??= this.owners.push(describe(this.#settings, this.#search.processes.at(slot), this.#scan));
    return this.#places[slot]!;
  }

  holders(inode: number): number {
    return this.#search.holders(inode);
  }

  /** As in `ScanRecord.holders`. `inodes` must be ascending. */
  triples(inodes: Uint32Array): Uint32Array {
    const words = new Uint32Array(inodes.length * HOLDER_WORDS);
    let length = 0;
    for (const inode of inodes) {
      const place = this.find(inode);
      if (place === 0) continue;
      words.set([inode, place, this.holders(inode)], length);
      length += HOLDER_WORDS;
    }
    return words.slice(0, length);
  }
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
function read({ root, commandLines }: BookSettings, { pid, startTicks }: ProcessEntry): Owner | undefined {
  try {
    const stat = orForbidden(() => readPidStat(root, pid));
    if (stat === undefined || stat.startTicks !== startTicks) return undefined;
    const cgroup = orForbidden(() => readPidCgroup(root, pid));
    return {
      pid,
      startTicks,
      process: stat.comm,
      ppid: stat.ppid,
      cmdline: (commandLines ? orForbidden(() => readPidCmdline(root, pid)) : undefined) ?? "",
      cgroup: cgroup?.path ?? "",
      containerId: cgroup?.containerId ?? "",
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
