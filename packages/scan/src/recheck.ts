/**
 * Reading known descriptors again, in turns: descriptors change hands without a trace in the list of sockets (passed on by SCM_RIGHTS
 * and closed; a lowest pid that let go of a shared socket, F26; a child that closed what it inherited on exec), and processes change
 * their name and namespace. The price per scan is bounded, and within a bounded number of scans everything was read.
 */
import type { FdReader } from "./fd-reader.ts";
import { FD_STALE } from "./fd-table.ts";
import type { HeldSockets } from "./held-sockets.ts";
import type { ProcessEntry } from "./process-entry.ts";
import type { ProcessTable } from "./process-table.ts";

/** Descriptors read again in each scan: at least so many, and enough for a full round in so many scans. */
const MINIMUM = 200;
const ROUND_SCANS = 60;
/** Holdings of shared sockets read again in each scan. */
const SHARED = 200;

/** Where the last turn ended. */
export class Recheck {
  readonly #reader: FdReader;
  readonly #held: HeldSockets;
  readonly #processes: ProcessTable;
  /** Slots from here on are next; in the process at that slot, descriptors from `#fd` on. */
  #slot = 0;
  #fd = 0;
  #lastShared = 0;

  constructor(reader: FdReader, held: HeldSockets, processes: ProcessTable) {
    this.#reader = reader;
    this.#held = held;
    this.#processes = processes;
  }

  /** One turn. */
  run(scan: number): void {
    if (scan === 1) return; // Everything was just read.
    for (const process of this.#processes.values()) {
      // What it inherited is closed by now if it ran another program since.
      const isDue = process.ranAnew || process.bornScan === scan - 1;
      process.ranAnew = false;
      if (isDue && !process.denied) this.#reader.list(process, () => true);
    }
    this.#shared();
    this.#round(this.#processes.walkedScan < scan);
  }

  #shared(): void {
    const inodes = [...this.#held.shared].sort((a, b) => a - b);
    if (inodes.length === 0) return;
    const next = inodes.findIndex((inode) => inode > this.#lastShared);
    const turn = [...inodes.slice(Math.max(0, next)), ...inodes.slice(0, Math.max(0, next))];
    const limit = this.#reader.cost + SHARED;
    for (const inode of turn) {
      if (this.#reader.cost >= limit) return;
      const holdings: [ProcessEntry, number][] = [];
      this.#held.each(inode, (slot, fd) => holdings.push([this.#processes.at(slot), fd]));
      for (const [process, fd] of holdings) this.#reader.read(process, [fd], false);
      this.#lastShared = inode;
    }
  }

  /** `isTold`: who moves into another namespace is told. */
  #round(isTold: boolean): void {
    const processes = [...this.#processes.values()].sort((a, b) => a.slot - b.slot);
    const open = processes.reduce((sum, process) => sum + process.fds.open, 0);
    let left = Math.min(open, Math.max(MINIMUM, Math.ceil(open / ROUND_SCANS)));
    const start = processes.findIndex((process) => process.slot >= this.#slot);
    const turn = [...processes.slice(Math.max(0, start)), ...processes.slice(0, Math.max(0, start))];
    for (const process of turn) {
      if (left <= 0) return;
      if (process.fds.open === 0) continue;
      const from = process.slot === this.#slot ? this.#fd : 0;
      const sockets = process.fds.numbers((value) => value > FD_STALE).filter((fd) => fd >= from);
      const now = sockets.slice(0, left);
      this.#reader.read(process, now, false);
      left -= now.length + 1;
      if (now.length < sockets.length) {
        this.#slot = process.slot;
        this.#fd = now.at(-1)! + 1;
        return;
      }
      if (!isTold) this.#processes.readNamespace(process);
      process.ownerScan = 0;
      this.#slot = process.slot + 1;
      this.#fd = 0;
    }
  }
}
