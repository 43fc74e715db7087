/** A namespace's own addresses and ephemeral ports: by rtnetlink where its sockets come from the kernel, else from /proc. */
import { ADDRESS_WORDS, type NamespaceFacts } from "@conntrail/model";
import { isDecodeError } from "@conntrail/netlink";
import { interfaceAddresses } from "@conntrail/netlink/socket";
import { type FoundNamespace, isNotPermitted, type PortRange, readLocalAddresses } from "@conntrail/procfs";
import { entryFailure } from "./entry-failure.ts";

/** The kernel's default (Documentation/networking/ip-sysctl.rst, ip_local_port_range). */
const DEFAULT_RANGE: PortRange = { low: 32768, high: 60999 };

/** The facts beside those of the reading itself. */
type KnownFacts = Omit<NamespaceFacts, "readFromMs" | "readByMs">;

/** What is known of namespaces from scan to scan: an address list that cannot be read is as before. */
export class NamespaceBook {
  /** Address lists that could not be read, since the last `forgetAllBut`. */
  unreadable = 0;
  readonly #root: string;
  readonly #addresses = new Map<number, Uint32Array>();

  constructor(root: string) {
    this.#root = root;
  }

  /** The facts of a namespace whose sockets were just dumped. Rejects with OpError for what concerns more than this namespace. */
  async facts(namespace: FoundNamespace, viaProc: boolean, ephemeral: PortRange | undefined): Promise<KnownFacts> {
    const { netns } = namespace;
    const addresses = (viaProc ? this.#fromProc(namespace) : undefined) ?? (await this.#fromKernel(namespace));
    if (addresses !== undefined) this.#addresses.set(netns, addresses);
    const known = addresses ?? this.#addresses.get(netns) ?? new Uint32Array(0);
    // A copy: the table's buffers are given away.
    return { netns, addresses: known.slice(), ephemeral: ephemeral ?? DEFAULT_RANGE };
  }

  /** Drops what is known of others. */
  forgetAllBut(netns: ReadonlySet<number>): void {
    this.unreadable = 0;
    for (const known of this.#addresses.keys()) if (!netns.has(known)) this.#addresses.delete(known);
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
        words.set(new Uint32Array(address.buffer, address.byteOffset, ADDRESS_WORDS), i * ADDRESS_WORDS);
      });
      return words;
    } catch (error) {
      const failure = entryFailure(error);
      if (failure === undefined && !isDecodeError(error)) throw error;
      if (failure !== "gone") this.unreadable++;
      return undefined;
    }
  }
}
