/**
 * What a walk of processes does not show: threads with descriptors or a network namespace of their own (`unshare(CLONE_FILES)`, setns(2)), processes whose
 * first thread has ended and whose folder is therefore empty, and namespaces that are mounted where only other mount namespaces see them. Such things are rare and looking for
 * them is dear, so it goes through the processes in turns. Sources: proc_pid_task(5), proc_pid_mountinfo(5), mount_namespaces(7).
 */
import {
  countThreads,
  type Process,
  readFdFolder,
  readFdNumbers,
  readMountNamespace,
  readNamespaceMounts,
  readNetNamespace,
  readThreads,
} from "@conntrail/procfs";
import { orForbidden } from "./or-forbidden.ts";
import type { ProcessEntry } from "./process-entry.ts";
import type { ProcessTable } from "./process-table.ts";

/** Threads and processes looked at in the first scan, and in each later one. */
const FIRST_LOOKS = 4_000;
const LOOKS = 250;

/** What reading the mounts of a namespace counts for. */
const LOOKS_PER_MOUNTS = 10;

/** One survey per scanner. */
export class Survey {
  /** Namespaces by inode that are mounted elsewhere, and a file by which each can be entered; as last seen. */
  readonly mounted: Map<number, string> = new Map();
  readonly #root: string;
  readonly #processes: ProcessTable;
  /** Mount namespaces that were read in this round. */
  #mounts = new Set<number>();
  /** The process whose turn is next: the first with this pid or a higher one. */
  #pid = 0;

  constructor(root: string, processes: ProcessTable) {
    this.#root = root;
    this.#processes = processes;
  }

  /** One turn. Returns the threads that are new to the table. Throws OpError for what is neither gone nor forbidden. */
  run(scan: number): ProcessEntry[] {
    const added: ProcessEntry[] = [];
    const all = [...this.#processes.processes].sort((a, b) => a.pid - b.pid);
    const start = Math.max(
      0,
      all.findIndex(({ pid }) => pid >= this.#pid),
    );
    let left = scan === 1 ? FIRST_LOOKS : LOOKS;
    for (let i = 0; i < all.length && left > 0; i++) {
      const process = all[(start + i) % all.length]!;
      if (process === all[0]) this.#mounts = new Set();
      left -= 1 + (orForbidden(() => this.#look(process, scan, added)) ?? 0);
      this.#pid = process.pid + 1;
    }
    return added;
  }

  /**
   * Returns how many looks it took beside the first one. A process of which nothing was told since it was found to have one thread is not looked at, nor is a mount namespace that was read in
   * this round. A first thread that has ended counts, and has no descriptors any more.
   */
  #look(process: ProcessEntry, scan: number, added: ProcessEntry[]): number {
    return this.#lookAtMounts(process) + (process.single ? 0 : this.#lookAtThreads(process, scan, added));
  }

  #lookAtThreads(process: ProcessEntry, scan: number, added: ProcessEntry[]): number {
    process.single = countThreads(this.#root, process.pid) === 1;
    if (process.single) return 0;
    const threads = (readThreads(this.#root, process.pid) ?? []).filter((tid) => tid !== process.pid);
    // Threads that have the same things are many; one of each kind is enough.
    const kinds = new Set([`${this.#size(process.place)} ${process.netns}`]);
    for (const tid of threads) {
      const place = `${process.pid}/task/${tid}` as const;
      const kind = `${this.#size(place)} ${readNetNamespace(this.#root, place)}`;
      if (kinds.has(kind)) continue;
      kinds.add(kind);
      const thread = this.#processes.addThread(process, place, scan);
      if (thread !== undefined) added.push(thread);
    }
    return threads.length;
  }

  /** How many descriptors there are: two tables of one size are taken for one. */
  #size(place: Process): number | undefined {
    if (this.#processes.sizeTells) return readFdFolder(this.#root, place)?.size;
    return readFdNumbers(this.#root, place)?.length;
  }

  #lookAtMounts(process: ProcessEntry): number {
    const { pid } = process;
    process.mounts ??= readMountNamespace(this.#root, pid);
    if (process.mounts === undefined || this.#mounts.has(process.mounts)) return 0;
    this.#mounts.add(process.mounts);
    for (const { netns, target } of readNamespaceMounts(this.#root, pid) ?? []) {
      if (!this.mounted.has(netns)) this.mounted.set(netns, `${this.#root}/${pid}/root${target}`);
    }
    return LOOKS_PER_MOUNTS;
  }
}
