/**
 * The addresses that are to be asked for, and the few that are being asked for now. Every query, be it the first, a
 * repeated one or a probe, passes one gate in `#pump`; it runs in timers and transport events, never in the caller of
 * `want`.
 */
import { randomInt } from "node:crypto";
import type { AddressKey } from "./address-key.ts";
import { type AnswerFailure, decodePtrAnswer, encodePtrQuery, messageId, type PtrAnswer } from "./dns-message.ts";
import { type DnsServer, sameServer } from "./dns-server.ts";
import { type Lookup, type LookupOutcome, NO_QUERIES, type Query, type QueryCounters } from "./lookup.ts";
import type { ResolverOptions } from "./options.ts";
import { QueryGate } from "./query-gate.ts";
import type { Transport } from "./udp-transport.ts";

export class LookupQueue {
  readonly counters: QueryCounters = { ...NO_QUERIES };
  readonly #options: ResolverOptions;
  readonly #onOutcome: (key: AddressKey, outcome: LookupOutcome, asked: readonly DnsServer[]) => void;
  readonly #transport: Transport;
  readonly #gate: QueryGate;
  readonly #pending = new Map<AddressKey, Lookup>();
  readonly #fresh = new Set<Lookup>();
  readonly #again: Lookup[] = [];
  readonly #open = new Map<number, Query>();
  #servers: readonly DnsServer[] = [];
  #preferred = 0;
  #wake: { unsubscribe(): void } | undefined;
  #closed = false;

  constructor(
    options: ResolverOptions,
    onOutcome: (key: AddressKey, outcome: LookupOutcome, asked: readonly DnsServer[]) => void,
  ) {
    this.#options = options;
    this.#onOutcome = onOutcome;
    this.#gate = new QueryGate(options);
    this.#transport = options.transport({
      received: (server, bytes) => this.#receive(server, bytes),
      failed: (server) => this.#unreachable(server),
      notWhole: (server, bytes) => this.#notWhole(server, bytes),
    });
  }

  /** Lookups waiting and running. */
  get pending(): number {
    return this.#pending.size;
  }

  /** True while the servers do not answer and are only probed. */
  get unanswered(): boolean {
    return this.#gate.unanswered;
  }

  get servers(): readonly DnsServer[] {
    return this.#servers;
  }

  set servers(servers: readonly DnsServer[]) {
    this.#servers = servers;
    this.#preferred = 0;
    this.#transport.retain(servers);
    if (this.#pending.size > 0) this.#pumpIn(0);
  }

  /** The local UDP ports of the queries. */
  ports(): readonly number[] {
    return this.#transport.ports();
  }

  isPending(key: AddressKey): boolean {
    return this.#pending.has(key);
  }

  /** Whom an address that is pending was asked of so far, once for each query; undefined for others. */
  asked(key: AddressKey): readonly DnsServer[] | undefined {
    return this.#pending.get(key)?.asked;
  }

  /** Has `name` asked for when its turn comes. The caller has seen to it that it is not pending and that there is room. */
  want(key: AddressKey, name: string): void {
    const lookup = { key, name, attempts: 0, asked: [], firstServer: 0, deadlineMs: Number.POSITIVE_INFINITY };
    this.#pending.set(key, lookup);
    this.#fresh.add(lookup);
    if (this.#wake === undefined) this.#pumpIn(this.#options.debounceMs);
  }

  /** Forgets everything. No outcome follows. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake?.unsubscribe();
    for (const { timer } of this.#open.values()) timer.unsubscribe();
    this.#open.clear();
    this.#fresh.clear();
    this.#pending.clear();
    await this.#transport.close();
  }

  #pumpIn(delayMs: number): void {
    this.#wake?.unsubscribe();
    this.#wake = this.#options.clock.schedule(() => {
      this.#wake = undefined;
      this.#pump();
    }, delayMs);
  }

  #pump(): void {
    if (this.#closed) return;
    while (this.#servers.length > 0 && this.#open.size < this.#options.concurrency) {
      const nowMs = this.#options.clock.now();
      const lookup = this.#next(nowMs);
      if (lookup === undefined) return;
      const waitMs = this.#gate.waitMs(nowMs, this.#open.size);
      if (waitMs > 0) {
        if (waitMs !== Number.POSITIVE_INFINITY) this.#pumpIn(waitMs);
        return;
      }
      this.#fresh.delete(lookup);
      if (lookup === this.#again[0]) this.#again.shift();
      this.#ask(lookup, nowMs);
    }
  }

  /** Whose turn it is: those asked for before come first, unless their time is up. */
  #next(nowMs: number): Lookup | undefined {
    for (let first = this.#again[0]; first !== undefined; first = this.#again[0]) {
      if (nowMs < first.deadlineMs) return first;
      this.#again.shift();
      this.#finish(first, { kind: "failed", code: "timeout" });
    }
    return this.#fresh.values().next().value;
  }

  #ask(lookup: Lookup, nowMs: number): void {
    const { attemptTimeoutMs, lookupDeadlineMs, clock } = this.#options;
    if (lookup.attempts === 0) {
      lookup.firstServer = this.#preferred;
      lookup.deadlineMs = nowMs + lookupDeadlineMs;
    }
    const server = this.#servers[(lookup.firstServer + lookup.attempts) % this.#servers.length]!;
    lookup.attempts++;
    lookup.asked.push(server);
    let id = randomInt(0x10000);
    while (this.#open.has(id)) id = randomInt(0x10000);
    const waitMs = Math.min(attemptTimeoutMs, lookup.deadlineMs - nowMs);
    const timer = clock.schedule(() => this.#timeOut(id), waitMs);
    this.#open.set(id, { lookup, server, timer, probe: this.#gate.unanswered });
    this.#gate.sent(nowMs);
    this.counters.queries++;
    this.#transport.send(server, encodePtrQuery(id, lookup.name));
  }

  #timeOut(id: number): void {
    this.counters.timeouts++;
    const query = this.#open.get(id)!;
    if (query.partial !== undefined) this.#endPartial(id, query);
    else this.#unanswered(id, "timeout");
    this.#pump();
  }

  #unreachable(server: DnsServer): void {
    for (const [id, query] of this.#open) {
      if (!sameServer(query.server, server)) continue;
      this.counters.unreachable++;
      this.#unanswered(id, "unreachable");
    }
    this.#pump();
  }

  #unanswered(id: number, code: "timeout" | "unreachable"): void {
    this.#gate.timedOut(this.#options.clock.now(), this.#open.get(id)!.probe);
    this.#failed(id, code);
  }

  #receive(server: DnsServer, bytes: Uint8Array): void {
    const id = messageId(bytes);
    const query = id === undefined ? undefined : this.#open.get(id);
    const asked = query !== undefined && sameServer(query.server, server);
    const answer = asked ? decodePtrAnswer(bytes, query.lookup.name) : undefined;
    if (id === undefined) this.counters.malformed++;
    else if (query === undefined || answer === undefined || answer.kind === "foreign") this.counters.unexpected++;
    else if (answer.kind === "failed" && answer.code === "truncated") this.#askWhole(id, query, answer);
    else this.#take(id, query, answer);
    this.#pump();
  }

  /** An answer that did not fit into a datagram: the same question over TCP (RFC 7766 5), within the time that the query has. */
  #askWhole(id: number, query: Query, answer: Extract<PtrAnswer, { kind: "failed" }>): void {
    if (query.partial !== undefined) {
      this.counters.unexpected++; // it came twice
      return;
    }
    this.#gate.answered();
    this.counters.truncated++;
    query.partial = answer.partial ?? null;
    this.#gate.sent(this.#options.clock.now());
    this.counters.queries++;
    this.#transport.sendWhole(query.server, encodePtrQuery(id, query.lookup.name));
  }

  /** A question over TCP will not be answered: what the datagram said must do. */
  #notWhole(server: DnsServer, bytes: Uint8Array): void {
    const id = messageId(bytes);
    const query = id === undefined ? undefined : this.#open.get(id);
    if (query?.partial !== undefined && sameServer(query.server, server)) this.#endPartial(id!, query);
    this.#pump();
  }

  #endPartial(id: number, { lookup, partial }: Query): void {
    if (partial) {
      this.#endQuery(id);
      this.counters.malformed += partial.refusedNames;
      this.#finish(lookup, partial);
    } else this.#failed(id, "truncated");
  }

  #take(id: number, query: Query, answer: Exclude<PtrAnswer, { kind: "foreign" }>): void {
    this.#gate.answered();
    if (answer.kind === "failed") {
      if (answer.code === "malformed") this.counters.malformed++;
      else this.counters.serverFailures++;
      this.#failed(id, answer.code);
      return;
    }
    if (answer.kind === "names") this.counters.malformed += answer.refusedNames;
    this.#preferred = Math.max(0, this.#servers.indexOf(query.server)); // the next lookups need not wait for a dead one
    this.#endQuery(id);
    this.#finish(query.lookup, answer);
  }

  #failed(id: number, code: AnswerFailure | "timeout" | "unreachable"): void {
    const { lookup } = this.#endQuery(id);
    const over = lookup.attempts >= this.#options.attempts || this.#options.clock.now() >= lookup.deadlineMs;
    if (over) this.#finish(lookup, { kind: "failed", code });
    else this.#again.push(lookup);
  }

  #endQuery(id: number): Query {
    const query = this.#open.get(id)!;
    this.#open.delete(id);
    query.timer.unsubscribe();
    return query;
  }

  #finish(lookup: Lookup, outcome: LookupOutcome): void {
    this.#pending.delete(lookup.key);
    this.#onOutcome(lookup.key, outcome, lookup.asked);
  }
}
