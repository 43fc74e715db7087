/**
 * Sockets that a process holds and no dump lists: most are of another kind (UNIX, netlink), but one may be in a network namespace that neither a process nor a
 * file shows, which its sockets alone keep (F52). Each is asked once where it is, some in each scan; a namespace found so is entered by its socket.
 */
import { isOpError } from "@conntrail/netlink";
import { socketNamespace } from "@conntrail/netlink/socket";
import type { HeldSockets } from "./held-sockets.ts";
import type { ProcessTable } from "./process-table.ts";

/** Sockets asked in one scan. */
const ASKED_PER_SCAN = 200;

/** What is known of them. */
export class ElsewhereSockets {
  /** Namespaces that were found: inode, and the socket by which each can be entered; as last seen. */
  readonly files: Map<number, string> = new Map();
  readonly #root: string;
  readonly #held: HeldSockets;
  readonly #processes: ProcessTable;
  readonly #waiting: number[] = [];

  constructor(root: string, held: HeldSockets, processes: ProcessTable) {
    this.#root = root;
    this.#held = held;
    this.#processes = processes;
  }

  /** These sockets were found, and no dump lists them. */
  ask(inodes: readonly number[]): void {
    this.#waiting.push(...inodes);
  }

  /** Asks some of those that wait. `known` are the namespaces that were dumped. */
  run(known: ReadonlySet<number>): void {
    for (const inode of this.#waiting.splice(0, ASKED_PER_SCAN)) {
      const path = this.#pathOf(inode);
      const netns = path === undefined ? undefined : unlessRefused(() => socketNamespace(path));
      if (netns !== undefined && !known.has(netns)) this.files.set(netns, path!);
    }
  }

  #pathOf(inode: number): string | undefined {
    let path: string | undefined;
    this.#held.each(inode, (slot, fd) => {
      // Those of our own event sockets are there because of us.
      if (this.#processes.at(slot).pid === process.pid) return;
      path ??= `${this.#root}/${this.#processes.at(slot).place}/fd/${fd}`;
    });
    return path;
  }
}

/** What may not be asked, and what is gone, is no answer. */
function unlessRefused(ask: () => number | undefined): number | undefined {
  try {
    return ask();
  } catch (error) {
    if (!isOpError(error)) throw error;
    return undefined;
  }
}
