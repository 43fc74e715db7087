/** What the scans showed of one row's ends: which namespaces they read and when, which sockets fit an end, and who waits for calls on the called port. */
import { ADDRESS_WORDS, formatAddress, type NamespaceFacts, type SocketTable } from "@conntrail/model";
import type { ConnectionJson } from "@conntrail/report";

/** A socket that fits an end, or listens on the called port. */
export interface Candidate {
  /** Its process, as text. */
  readonly who: string;
  /** A process is known to have it. */
  readonly isHeld: boolean;
  readonly netns: number | null;
  /** Its ends, or where it listens. */
  readonly what: string;
  /** The kernel's word for its state; empty of UDP. */
  readonly state: string;
  /** No file of any process stands for it: nobody has accepted it yet, or it was closed (the kernel lists inode 0). */
  readonly isBare: boolean;
}

/** Of one row. */
export class ScanFindings {
  /** Scans that were taken in. */
  scans = 0;
  /** Those of them that ran while the connection was there, as far as the row tells. */
  during = 0;
  /** Sockets that fit an end. */
  readonly holders: Readonly<Record<"from" | "to", Map<string, Candidate>>> = { from: new Map(), to: new Map() };
  /** Sockets that wait for calls on the port of the `to` end. */
  readonly listeners: Map<string, Candidate> = new Map();
  /** Those of the latest scan that had any, and which scan that was. */
  readonly #latestHolders: Record<"from" | "to", { scan: number; holders: Candidate[] }> = {
    from: { scan: 0, holders: [] },
    to: { scan: 0, holders: [] },
  };
  readonly #row: ConnectionJson;
  readonly #names = new Map<number, string>();
  readonly #beganMs: number;
  readonly #endedMs: number;
  #latest: readonly NamespaceFacts[] = [];
  #clientPorts: NamespaceFacts["ephemeral"] | undefined;

  /** `wallAheadMs`: what the row's times are ahead of those of the tables. */
  constructor(row: ConnectionJson, wallAheadMs: number) {
    const { firstSeen, lastSeen } = row;
    this.#row = row;
    this.#beganMs = firstSeen === null ? Number.NEGATIVE_INFINITY : Date.parse(firstSeen) - wallAheadMs;
    const ended = isOver(row) && lastSeen !== null;
    this.#endedMs = ended ? Date.parse(lastSeen) - wallAheadMs : Number.POSITIVE_INFINITY;
  }

  /** Counts a scan, and learns of its namespaces. */
  take({ namespaces, startedMs, timeMs }: SocketTable): void {
    this.scans++;
    if (timeMs >= this.#beganMs && startedMs <= this.#endedMs) this.during++;
    this.#latest = namespaces;
    for (const { netns, name } of namespaces) if (name !== undefined) this.#names.set(netns, name);
    this.#clientPorts = namespaces.find(({ netns }) => netns === this.#row.netns)?.ephemeral ?? this.#clientPorts;
  }

  /** Keeps a socket that fits an end. */
  hold(side: "from" | "to", key: string, holder: Candidate): void {
    this.holders[side].set(key, holder);
    const latest = this.#latestHolders[side];
    if (latest.scan === this.scans) latest.holders.push(holder);
    else this.#latestHolders[side] = { scan: this.scans, holders: [holder] };
  }

  /** The sockets of an end as the latest scan has them that had any. */
  latestHolders(side: "from" | "to"): readonly Candidate[] {
    return this.#latestHolders[side].holders;
  }

  /** The range of ports for clients, in the namespace of the row. Undefined where it was not read. */
  get clientPorts(): NamespaceFacts["ephemeral"] | undefined {
    return this.#clientPorts;
  }

  /** Somebody listens on the called port. */
  get isListenedOn(): boolean {
    return this.listeners.size > 0;
  }

  /** What a namespace is called. */
  nameOf(netns: number): string | undefined {
    return this.#names.get(netns);
  }

  /** A namespace that the latest scan read. */
  namespace(netns: number | null): NamespaceFacts | undefined {
    return this.#latest.find((each) => each.netns === netns);
  }

  /** The namespaces that the latest scan read. */
  get namespaces(): readonly NamespaceFacts[] {
    return this.#latest;
  }

  /** Those of them that have an address. */
  homes(address: string): NamespaceFacts[] {
    return this.#latest.filter(({ addresses }) => holds(addresses, address));
  }
}

/** True when the address is among those of a namespace. */
export function holds(addresses: Uint32Array, address: string): boolean {
  for (let at = 0; at < addresses.length; at += ADDRESS_WORDS)
    if (formatAddress(addresses, at) === address) return true;
  return false;
}

/** The connection has ended. */
export function isOver({ state }: ConnectionJson): boolean {
  return state === "closed" || state === "failed";
}

/** `the one scan that is kept`, `12 scans of the sockets`. */
export function scansText(scans: number): string {
  return scans === 1 ? "the one scan of the sockets that is kept" : `${scans} scans of the sockets`;
}
