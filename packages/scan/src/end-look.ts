/**
 * A look at single ends of connections between two scans: the kernel is asked for the one socket of each, and its holder is looked for where it is likely to
 * be. For connections that are too short for a scan to meet them, on hosts where nothing tells who opens a connection; it costs a fraction of a scan.
 */
import {
  ADDRESS_WORDS,
  isLoopback,
  type NamespaceFacts,
  type Owner,
  TRACE,
  TRACE_ROLE,
  TRACE_WORDS,
} from "@conntrail/model";
import { isOpError, NETLINK_FAMILY } from "@conntrail/netlink";
import { inNamespace, type NetlinkSocket, openNetlinkSocket } from "@conntrail/netlink/socket";
import { type FoundNamespace, readNetNamespace } from "@conntrail/procfs";
import { steadyMs } from "@conntrail/thread/clock";
import { askSocket } from "./ask-socket.ts";
import { entryFailure } from "./entry-failure.ts";
import { orForbidden } from "./or-forbidden.ts";

/** Ends and who holds them, as rows of the trace (TRACE_ROLE.held). Rows and owners are the receiver's. */
export interface LookedEnds {
  readonly rows: Uint32Array;
  readonly count: number;
  readonly owners: readonly Owner[];
}

/** A socket that answers, and the end that it is of. */
interface AskedEnd {
  /** Row in the question. */
  readonly row: number;
  readonly netns: number;
  readonly inode: number;
  readonly askedMs: number;
}

/** Finds the holders of sockets by inode: 1 + index into the owners given with them; 0 = nobody, or who is meant is not known. */
export interface HolderFinder {
  readonly owners: readonly Owner[];
  readonly find: (inode: number) => number;
}

/** Where sockets are asked for: what the last scan knows of namespaces. */
export class EndLook {
  readonly #root: string;
  #own = 0;
  /** Ways into namespaces; `undefined` is the thread's own. */
  readonly #ways = new Map<number, string | undefined>();
  /** By address: the namespaces that have it, for flows that another namespace tells of. */
  readonly #places = new Map<string, number[]>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Takes note of what a scan found. */
  learn(found: readonly FoundNamespace[], facts: readonly NamespaceFacts[]): void {
    this.#ways.clear();
    this.#places.clear();
    for (const { netns, path } of found) this.#ways.set(netns, path);
    this.#own = found.find(({ path }) => path === undefined)?.netns ?? 0;
    for (const { netns, addresses } of facts) {
      for (let at = 0; at < addresses.length; at += ADDRESS_WORDS) {
        if (isLoopback(addresses, at)) continue;
        const key = keyOf(addresses, at);
        this.#places.set(key, [...(this.#places.get(key) ?? []), netns]);
      }
    }
  }

  /** Asks for the sockets of `count` ends, rows of the trace whose local end may be on this host. Throws OpError. */
  ask(rows: Uint32Array, count: number): AskedEnd[] {
    const byNamespace = new Map<number, number[]>();
    for (let row = 0; row < count; row++) {
      const at = row * TRACE_WORDS;
      const elsewhere = this.#places.get(keyOf(rows, at + TRACE.local)) ?? [];
      for (const netns of new Set([rows[at + TRACE.netns]!, ...elsewhere])) {
        const wanted = byNamespace.get(netns);
        if (wanted === undefined) byNamespace.set(netns, [row]);
        else wanted.push(row);
      }
    }
    return [...byNamespace].flatMap(([netns, wanted]) => this.#askIn(netns, rows, wanted));
  }

  /** Who holds the sockets that answered. */
  tell(rows: Uint32Array, asked: readonly AskedEnd[], holders: HolderFinder): LookedEnds {
    const told = new Uint32Array(asked.length * TRACE_WORDS);
    const doubles = new Float64Array(told.buffer);
    let count = 0;
    for (const { row, netns, inode, askedMs } of asked) {
      const owner = holders.find(inode);
      if (owner === 0) continue;
      const to = count++ * TRACE_WORDS;
      told.set(rows.subarray(row * TRACE_WORDS, (row + 1) * TRACE_WORDS), to);
      told[to + TRACE.kind]! = (told[to + TRACE.kind]! & 0xff00_ffff) | (TRACE_ROLE.held << 16);
      told[to + TRACE.netns] = netns;
      told[to + TRACE.owner] = owner;
      doubles[(to + TRACE.sinceMs) >> 1] = askedMs;
      doubles[(to + TRACE.untilMs) >> 1] = askedMs;
    }
    return { rows: told, count, owners: holders.owners };
  }

  #askIn(netns: number, rows: Uint32Array, wanted: readonly number[]): AskedEnd[] {
    // A namespace that is younger than the last scan: the next one knows the way.
    if (netns !== this.#own && !this.#ways.has(netns)) return [];
    const path = this.#ways.get(netns);
    try {
      return path === undefined
        ? this.#askAll(netns, rows, wanted)
        : inNamespace(path, () => this.#askAll(netns, rows, wanted));
    } catch (error) {
      if (entryFailure(error) === undefined) throw error;
      return [];
    }
  }

  #askAll(netns: number, rows: Uint32Array, wanted: readonly number[]): AskedEnd[] {
    const entered = this.#ways.get(netns) !== undefined;
    // The process that led here may have ended, and its pid may belong to another one by now.
    if (entered && orForbidden(() => readNetNamespace(this.#root, "thread-self")) !== netns) return [];
    const socket = openOrNone();
    if (socket === undefined) return [];
    try {
      const asked: AskedEnd[] = [];
      for (const row of wanted) {
        const inode = askSocket(socket, rows, row * TRACE_WORDS);
        if (inode !== 0) asked.push({ row, netns, inode, askedMs: steadyMs() });
      }
      return asked;
    } finally {
      socket.close();
    }
  }
}

/** `undefined` where the kernel has no sock_diag, or refuses it. */
function openOrNone(): NetlinkSocket | undefined {
  try {
    return openNetlinkSocket({ family: NETLINK_FAMILY.sockDiag, messagesPerCall: 2, slotBytes: 4096 });
  } catch (error) {
    if (isOpError(error) && ["EPROTONOSUPPORT", "EAFNOSUPPORT", "EPERM", "EACCES"].includes(error.errno))
      return undefined;
    throw error;
  }
}

function keyOf(words: Uint32Array, at: number): string {
  return `${words[at]} ${words[at + 1]} ${words[at + 2]} ${words[at + 3]}`;
}
