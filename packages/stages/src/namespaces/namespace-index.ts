/** Which network namespace has which address, by itself or by a route, from the facts of the latest socket table. */
import {
  ADDRESS_WORDS,
  isLoopback,
  type NamespaceFacts,
  type NetnsName,
  type NetworkTest,
  networkTest,
  sameAddress,
} from "@conntrail/model";
import {
  addEntry,
  createHashIndex,
  entryValue,
  firstEntry,
  type HashIndex,
  nextEntry,
  resetHashIndex,
} from "../rows/hash-index.ts";
import { addressHash } from "../rows/tuple-hash.ts";

/** The index. Entry `i` is the address at `words[4i]` in namespace `netns[i]`. */
export interface NamespaceIndex {
  readonly facts: Map<number, NamespaceFacts>;
  readonly index: HashIndex;
  words: Uint32Array;
  netns: Float64Array;
  /** Local routes that hold for every packet, and those that a rule gives some packets. */
  routes: readonly RoutedNetworks[];
  ruled: readonly RoutedNetworks[];
}

/** The networks that a namespace takes for its own. */
interface RoutedNetworks {
  readonly netns: number;
  readonly has: NetworkTest;
}

/** What `holderOf` says when it is not one namespace. */
export const HOLDER = { none: 0, several: -1 } as const;

/** The kernel's default range of ephemeral ports (ip(7), ip_local_port_range). */
const DEFAULT_EPHEMERAL = { low: 32768, high: 60999 } as const;

/** An index of no namespaces. */
export function createNamespaceIndex(): NamespaceIndex {
  return {
    facts: new Map(),
    index: createHashIndex(0),
    words: new Uint32Array(0),
    netns: new Float64Array(0),
    routes: [],
    ruled: [],
  };
}

/** Replaces what is known. */
export function loadNamespaces(namespaces: NamespaceIndex, facts: readonly NamespaceFacts[]): void {
  namespaces.facts.clear();
  const total = facts.reduce((sum, { addresses }) => sum + addresses.length / ADDRESS_WORDS, 0);
  namespaces.words = new Uint32Array(total * ADDRESS_WORDS);
  namespaces.netns = new Float64Array(total);
  resetHashIndex(namespaces.index, total);
  namespaces.routes = routedNetworks(facts, true);
  namespaces.ruled = routedNetworks(facts, false);
  let entry = 0;
  for (const fact of facts) {
    namespaces.facts.set(fact.netns, fact);
    namespaces.words.set(fact.addresses, entry * ADDRESS_WORDS);
    for (let at = 0; at < fact.addresses.length; at += ADDRESS_WORDS) {
      namespaces.netns[entry] = fact.netns;
      addEntry(namespaces.index, addressHash(fact.addresses, at), entry++);
    }
  }
}

/**
 * The namespace that has the address, as seen from `netns`: that one itself when it has it or the address is loopback, else
 * the only other one; HOLDER.several or HOLDER.none when it is not one.
 */
export function holderOf(namespaces: NamespaceIndex, netns: number, words: Uint32Array, offset: number): number {
  if (isLoopback(words, offset)) return netns;
  const { index } = namespaces;
  const hash = addressHash(words, offset);
  let holder: number = HOLDER.none;
  for (let at = firstEntry(index, hash); at >= 0; at = nextEntry(index, hash, at)) {
    const entry = entryValue(index, at);
    if (!sameAddress(namespaces.words, entry * ADDRESS_WORDS, words, offset)) continue;
    const candidate = namespaces.netns[entry]!;
    if (candidate === netns) return netns;
    if (holder === HOLDER.none) holder = candidate;
    else if (holder !== candidate) holder = HOLDER.several;
  }
  return holder === HOLDER.none && namespaces.routes.length > 0
    ? routedTo(namespaces.routes, netns, words, offset)
    : holder;
}

/** True when a rule may give the namespace what is sent to the address: whether it did, only a socket or a process tells. */
export function mayBeOwn({ ruled }: NamespaceIndex, netns: number, words: Uint32Array, offset: number): boolean {
  return ruled.some((networks) => networks.netns === netns && networks.has(words, offset));
}

/** The answer of `holderOf` by routes alone. */
function routedTo(routes: readonly RoutedNetworks[], netns: number, words: Uint32Array, offset: number): number {
  const holders = routes.filter(({ has }) => has(words, offset)).map((networks) => networks.netns);
  if (holders.includes(netns)) return netns;
  return holders.length > 1 ? HOLDER.several : (holders[0] ?? HOLDER.none);
}

function routedNetworks(facts: readonly NamespaceFacts[], forAll: boolean): RoutedNetworks[] {
  return facts.flatMap(({ netns, localRoutes = [] }) => {
    const networks = localRoutes.filter((route) => route.forAll === forAll).map(({ network }) => network);
    return networks.length === 0 ? [] : [{ netns, has: networkTest(networks) }];
  });
}

/** The namespaces that have a name, by inode. */
export function namedNamespaces({ facts }: NamespaceIndex): NetnsName[] {
  const named: NetnsName[] = [];
  for (const { netns, name } of facts.values()) if (name !== undefined) named.push({ netns, name });
  return named;
}

/** True when the port is one that the namespace hands out to clients by itself. */
export function isEphemeral(namespaces: NamespaceIndex, netns: number, port: number): boolean {
  const { low, high } = namespaces.facts.get(netns)?.ephemeral ?? DEFAULT_EPHEMERAL;
  return port >= low && port <= high;
}
