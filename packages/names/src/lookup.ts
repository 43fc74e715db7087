/** One address on its way through the queue, and what is counted of it. */
import type { NameInquiry } from "@conntrail/model";
import type { AddressKey } from "./address-key.ts";
import type { AnswerFailure, PtrAnswer } from "./dns-message.ts";
import { type DnsServer, serverText } from "./dns-server.ts";

/** How a lookup ends. */
export type LookupOutcome =
  | Extract<PtrAnswer, { kind: "names" | "none" }>
  | { readonly kind: "failed"; readonly code: AnswerFailure | "timeout" | "unreachable" };

/** What happened to queries so far. */
export interface QueryCounters {
  /** Queries sent. */
  queries: number;
  timeouts: number;
  unreachable: number;
  serverFailures: number;
  truncated: number;
  malformed: number;
  /** Messages that answer no question that is open: late, or forged. */
  unexpected: number;
}

/** An address that is to be asked for. */
export interface Lookup {
  readonly key: AddressKey;
  readonly name: string;
  attempts: number;
  /** Whom it was asked of, once for each query. */
  readonly asked: DnsServer[];
  /** Index of the server asked first. */
  firstServer: number;
  deadlineMs: number;
}

/** What can be said of an address whose question is under way (no `outcome`), or ended without a name. */
export function inquiryOf(asked: readonly DnsServer[], outcome?: LookupOutcome): NameInquiry {
  return {
    outcome: outcome === undefined ? "waiting" : outcome.kind === "failed" ? "failed" : "none",
    ...(outcome?.kind === "failed" && { failure: outcome.code }),
    servers: [...new Set(asked.map(serverText))],
    queries: asked.length,
  };
}

/** A question that waits for its answer. */
export interface Query {
  readonly lookup: Lookup;
  readonly server: DnsServer;
  readonly timer: { unsubscribe(): void };
  /** What a truncated answer said, once one came: the question was asked again over TCP. `null`: it said nothing. */
  partial?: Extract<PtrAnswer, { kind: "names" }> | null;
  /** Sent to see whether servers that did not answer do now. */
  readonly probe: boolean;
}

export const NO_QUERIES: Readonly<QueryCounters> = {
  queries: 0,
  timeouts: 0,
  unreachable: 0,
  serverFailures: 0,
  truncated: 0,
  malformed: 0,
  unexpected: 0,
};
