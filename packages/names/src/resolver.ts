/**
 * Names of addresses, for a report that does not wait: `get` answers from memory, and what it does not have is asked
 * for behind its back. Sources in order: the hosts file, then PTR records. A source of better names for cloud services
 * (answers to forward queries, F42) would stand beside the hosts file, before the cache.
 */
import type { NameInquiry, NamesHealth, NamesReason } from "@conntrail/model";
import { LRUCache } from "lru-cache";
import { type AddressKey, addressKey } from "./address-key.ts";
import { isAskable } from "./askable.ts";
import { type DnsServer, parseDnsServer, parseResolvConf } from "./dns-server.ts";
import { parseHosts } from "./hosts-file.ts";
import { inquiryOf, type LookupOutcome, type QueryCounters } from "./lookup.ts";
import { LookupQueue } from "./lookup-queue.ts";
import { completeOptions, type ResolverOptions } from "./options.ts";
import { ptrName } from "./ptr-name.ts";
import { WatchedFile } from "./watched-file.ts";

/** The resolver's account in full; `failures` counts lookups, what follows counts queries and records. */
export interface ResolverHealth extends NamesHealth, Readonly<QueryCounters> {
  /** Entries that gave way to others in the full cache. */
  readonly evicted: number;
  /** Addresses in the hosts file, and lines or names of it that could not be read. */
  readonly hosts: number;
  readonly hostsMalformed: number;
  /** How often the hosts file or resolv.conf was there and could not be read. */
  readonly fileErrors: number;
}

export interface Resolver extends AsyncDisposable {
  /**
   * The names of the address at `offset`, or `undefined`: it has none, or none is known yet. Never waits, never throws.
   * Names past their time are given until the answer to the question for new ones is there. The array is shared.
   */
  get(words: Uint32Array, offset: number): readonly string[] | undefined;
  /** What became of the question for an address that has no name; undefined when nobody asked for it, or it is forgotten. */
  inquiry(words: Uint32Array, offset: number): NameInquiry | undefined;
  health(): ResolverHealth;
  /** The local UDP ports from which conntrail asks: what conntrack shows from there is our own traffic (F42). */
  ownPorts(): readonly number[];
  /** Idempotent. Drops what is pending and resolves when all sockets and timers are gone; `get` then gives what is in the cache. */
  close(): Promise<void>;
}

/** Starts a resolver; the hosts file is read before this returns. Throws a RangeError for an option out of range or a server that is no address. */
export function createResolver(options: Partial<ResolverOptions> = {}): Resolver {
  return new ReverseResolver(completeOptions(options));
}

interface Entry {
  readonly names: readonly string[] | undefined;
  readonly expiresAtMs: number;
  /** Of an address without a name: how the question for it ended. */
  readonly inquiry?: NameInquiry;
}

const NOT_ASKED: NameInquiry = { outcome: "not-asked", servers: [], queries: 0 };

/** Time inside `get` is this coarse: reading a clock would cost as much as the look into the cache. */
const TICK_MS = 1_000;
/** How long `health` tells of a full backlog after it dropped an address. */
const DROP_MEMORY_MS = 60_000;

class ReverseResolver implements Resolver {
  readonly #options: ResolverOptions;
  readonly #cache: LRUCache<AddressKey, Entry>;
  readonly #lookups: LookupQueue;
  readonly #hostsFile: WatchedFile;
  readonly #resolvConf: WatchedFile;
  #hosts: ReadonlyMap<AddressKey, readonly string[]> = new Map();
  #hostsMalformed = 0;
  #nowMs: number;
  #filesSeenMs: number;
  #tick: { unsubscribe(): void } | undefined;
  #closed: Promise<void> | undefined;
  #requests = 0;
  #hits = 0;
  #answered = 0;
  #failures = 0;
  #dropped = 0;
  #droppedAtMs = Number.NEGATIVE_INFINITY;
  #evicted = 0;

  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#cache = new LRUCache({
      max: options.cacheSize,
      dispose: (_entry, _key, reason) => {
        if (reason === "evict") this.#evicted++;
      },
    });
    this.#hostsFile = new WatchedFile(options.hostsFile);
    this.#resolvConf = new WatchedFile(options.resolvConf);
    const servers = options.servers?.map(serverOf);
    this.#lookups = new LookupQueue(options, (key, outcome, asked) => this.#settle(key, outcome, asked));
    this.#nowMs = options.clock.now();
    this.#filesSeenMs = this.#nowMs;
    if (!options.enabled) return;
    if (servers !== undefined) this.#lookups.servers = servers;
    this.#readFiles();
    this.#scheduleTick();
  }

  get(words: Uint32Array, offset: number): readonly string[] | undefined {
    this.#requests++;
    const key = addressKey(words, offset);
    const host = this.#hosts.get(key);
    if (host !== undefined) {
      this.#hits++;
      return host;
    }
    const entry = this.#cache.get(key);
    if (entry !== undefined && this.#nowMs < entry.expiresAtMs) this.#hits++;
    else this.#ask(key, words, offset);
    return entry?.names;
  }

  inquiry(words: Uint32Array, offset: number): NameInquiry | undefined {
    if (!this.#options.enabled) return undefined;
    if (!isAskable(words, offset)) return NOT_ASKED;
    const key = addressKey(words, offset);
    const asked = this.#lookups.asked(key);
    return asked === undefined ? this.#cache.peek(key)?.inquiry : inquiryOf(asked);
  }

  health(): ResolverHealth {
    const reason = this.#reason();
    return {
      state: reason === null ? "ok" : reason === "switched-off" ? "off" : "degraded",
      reason,
      cached: this.#cache.size,
      pending: this.#lookups.pending,
      requests: this.#requests,
      hits: this.#hits,
      lookups: this.#answered + this.#failures,
      failures: this.#failures,
      dropped: this.#dropped,
      ...this.#lookups.counters,
      evicted: this.#evicted,
      hosts: this.#hosts.size,
      hostsMalformed: this.#hostsMalformed,
      fileErrors: this.#hostsFile.errors + this.#resolvConf.errors,
    };
  }

  ownPorts(): readonly number[] {
    return this.#lookups.ports();
  }

  close(): Promise<void> {
    this.#tick?.unsubscribe();
    this.#closed ??= this.#lookups.close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #ask(key: AddressKey, words: Uint32Array, offset: number): void {
    if (!this.#options.enabled || this.#closed !== undefined || this.#lookups.servers.length === 0) return;
    if (!isAskable(words, offset)) {
      this.#hits++; // that there is no name is an answer, and a final one
      return;
    }
    if (this.#lookups.isPending(key)) return;
    if (this.#lookups.pending < this.#options.backlog) {
      this.#lookups.want(key, ptrName(words, offset));
    } else {
      this.#dropped++;
      this.#droppedAtMs = this.#nowMs;
    }
  }

  #settle(key: AddressKey, outcome: LookupOutcome, asked: readonly DnsServer[]): void {
    const { minTtlMs, maxTtlMs, maxNegativeTtlMs, failureTtlMs } = this.#options;
    this.#nowMs = this.#options.clock.now();
    if (outcome.kind === "failed") {
      this.#failures++;
      // Better an old name than none: only an answer takes a name away (RFC 8767).
      const names = this.#cache.peek(key)?.names;
      this.#cache.set(key, { names, expiresAtMs: this.#nowMs + failureTtlMs, inquiry: inquiryOf(asked, outcome) });
      return;
    }
    this.#answered++;
    const mostMs = outcome.kind === "names" ? maxTtlMs : maxNegativeTtlMs;
    const ttlMs = Math.max(minTtlMs, Math.min(outcome.ttlMs ?? mostMs, mostMs));
    const expiresAtMs = this.#nowMs + ttlMs;
    if (outcome.kind === "names") this.#cache.set(key, { names: outcome.names, expiresAtMs });
    else this.#cache.set(key, { names: undefined, expiresAtMs, inquiry: inquiryOf(asked, outcome) });
  }

  #reason(): NamesReason | null {
    if (!this.#options.enabled) return "switched-off";
    if (this.#lookups.servers.length === 0) return "no-server";
    if (this.#lookups.unanswered) return "timeouts";
    return this.#nowMs - this.#droppedAtMs < DROP_MEMORY_MS ? "backlog-full" : null;
  }

  #scheduleTick(): void {
    this.#tick = this.#options.clock.schedule(() => {
      this.#nowMs = this.#options.clock.now();
      if (this.#nowMs - this.#filesSeenMs >= this.#options.filePollMs) this.#readFiles();
      this.#scheduleTick();
    }, TICK_MS);
  }

  #readFiles(): void {
    this.#filesSeenMs = this.#nowMs;
    const hosts = this.#hostsFile.readIfChanged();
    if (hosts !== undefined) ({ names: this.#hosts, malformed: this.#hostsMalformed } = parseHosts(hosts));
    if (this.#options.servers !== null) return;
    const resolvConf = this.#resolvConf.readIfChanged();
    if (resolvConf !== undefined) this.#lookups.servers = parseResolvConf(resolvConf);
  }
}

function serverOf(text: string): DnsServer {
  const server = parseDnsServer(text);
  if (server === undefined)
    throw new RangeError(`createResolver: server: expected an address or address:port, got ${text}`);
  return server;
}
