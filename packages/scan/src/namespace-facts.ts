/** A namespace's name, addresses, local routes, interfaces and ephemeral ports: by rtnetlink where its sockets come from the kernel, else from /proc. */
import { ADDRESS_WORDS, type Device, formatAddress, type LocalRoute, type NamespaceFacts } from "@conntrail/model";
import { isDecodeError } from "@conntrail/netlink";
import { interfaceAddresses, interfaceNames, localRoutes } from "@conntrail/netlink/socket";
import { type FoundNamespace, isNotPermitted, type PortRange, readLocalAddresses } from "@conntrail/procfs";
import { entryFailure } from "./entry-failure.ts";

/** The kernel's default (Documentation/networking/ip-sysctl.rst, ip_local_port_range). */
const DEFAULT_RANGE: PortRange = { low: 32768, high: 60999 };

/** How long routes and names of interfaces are believed: they are many, or rare, and hardly ever change. */
const BELIEVED_MS = 10_000;

/** Interfaces whose names are asked for, at most. */
const MAX_DEVICES = 256;

/** The facts beside those of the reading itself. */
type KnownFacts = Omit<NamespaceFacts, "readFromMs" | "readByMs">;

/** What a dump said of its namespace. */
export interface DumpedNamespace {
  /** Its sockets came from /proc. */
  readonly viaProc: boolean;
  readonly ephemeral: PortRange | undefined;
  /** The interfaces that its sockets are bound to. */
  readonly devices: ReadonlySet<number>;
  /** The moment of the reading. */
  readonly nowMs: number;
}

/** What is asked for more rarely. */
interface Rare {
  readonly untilMs: number;
  readonly localRoutes: readonly LocalRoute[];
  readonly devices: Map<number, string>;
}

/** What is known of namespaces from scan to scan: what cannot be read is as before. */
export class NamespaceBook {
  /** Address lists that could not be read, since the last `forgetAllBut`. */
  unreadable = 0;
  readonly #root: string;
  readonly #addresses = new Map<number, Uint32Array>();
  readonly #rare = new Map<number, Rare>();

  constructor(root: string) {
    this.#root = root;
  }

  /** The facts of a namespace whose sockets were just dumped. Rejects with OpError for what concerns more than this namespace. */
  async facts(namespace: FoundNamespace, dumped: DumpedNamespace): Promise<KnownFacts> {
    const { netns, name } = namespace;
    const { viaProc, ephemeral } = dumped;
    const addresses = (viaProc ? this.#fromProc(namespace) : undefined) ?? (await this.#fromKernel(namespace));
    if (addresses !== undefined) this.#addresses.set(netns, addresses);
    const known = addresses ?? this.#addresses.get(netns) ?? new Uint32Array(0);
    const rare = viaProc ? undefined : this.#rarely(namespace, dumped, known);
    const devices = rare === undefined ? [] : devicesOf(rare, dumped.devices);
    return {
      netns,
      // A copy: the table's buffers are given away.
      addresses: known.slice(),
      ephemeral: ephemeral ?? DEFAULT_RANGE,
      ...(name !== undefined && { name }),
      ...(devices.length > 0 && { devices }),
      ...(rare !== undefined && rare.localRoutes.length > 0 && { localRoutes: rare.localRoutes }),
    };
  }

  /** Drops what is known of others. */
  forgetAllBut(netns: ReadonlySet<number>): void {
    this.unreadable = 0;
    for (const book of [this.#addresses, this.#rare]) {
      for (const known of book.keys()) if (!netns.has(known)) book.delete(known);
    }
  }

  #fromProc({ process }: FoundNamespace): Uint32Array | undefined {
    if (process === undefined) return undefined;
    try {
      return readLocalAddresses(this.#root, process);
    } catch (error) {
      if (!isNotPermitted(error)) throw error;
      return undefined;
    }
  }

  async #fromKernel({ path }: FoundNamespace): Promise<Uint32Array | undefined> {
    try {
      const found = await interfaceAddresses(path);
      const words = new Uint32Array(found.length * ADDRESS_WORDS);
      found.forEach(({ address }, i) => {
        words.set(wordsOf(address), i * ADDRESS_WORDS);
      });
      return words;
    } catch (error) {
      return this.#unread(error);
    }
  }

  /** An interface that is not known yet is asked for at once. */
  #rarely({ netns, path }: FoundNamespace, { devices, nowMs }: DumpedNamespace, own: Uint32Array): Rare | undefined {
    const known = this.#rare.get(netns);
    try {
      if (known !== undefined && nowMs < known.untilMs) {
        const unknown = [...devices].filter((index) => !known.devices.has(index)).slice(0, MAX_DEVICES);
        if (unknown.length === 0) return known;
        for (const [index, name] of interfaceNames(unknown, path)) known.devices.set(index, name);
        return known;
      }
      const names = devices.size === 0 ? [] : interfaceNames([...devices].slice(0, MAX_DEVICES), path);
      const rare = {
        untilMs: nowMs + BELIEVED_MS,
        localRoutes: beyondAddresses(localRoutes(path), own),
        devices: new Map(names),
      };
      this.#rare.set(netns, rare);
      return rare;
    } catch (error) {
      return this.#unread(error) ?? known;
    }
  }

  /** Counts what one namespace did not tell. */
  #unread(error: unknown): undefined {
    const failure = entryFailure(error);
    if (failure === undefined && !isDecodeError(error)) throw error;
    if (failure !== "gone") this.unreadable++;
    return undefined;
  }
}

function devicesOf(rare: Rare, indexes: ReadonlySet<number>): Device[] {
  return [...indexes].flatMap((index) => {
    const name = rare.devices.get(index);
    return name === undefined ? [] : [{ index, name }];
  });
}

/** The kernel has a local route for each address, and for the loopback's network: those are known already. */
function beyondAddresses(routes: ReturnType<typeof localRoutes>, own: Uint32Array): LocalRoute[] {
  const addresses = new Set<string>();
  for (let at = 0; at < own.length; at += ADDRESS_WORDS) addresses.add(formatAddress(own, at));
  return routes.flatMap(({ family, prefix, prefixLength, forAll }) => {
    const address = formatAddress(wordsOf(prefix));
    const isWhole = prefixLength === (family === 2 ? 32 : 128);
    if ((isWhole && addresses.has(address)) || (address === "127.0.0.0" && prefixLength === 8)) return [];
    return [{ network: `${address}/${prefixLength}`, forAll }];
  });
}

function wordsOf(bytes: Uint8Array<ArrayBuffer>): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, ADDRESS_WORDS);
}
