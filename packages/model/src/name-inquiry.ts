/** What became of the question for an address's name: who was asked, how often, and what came of it. */

/** Why name servers gave neither names nor the word that there are none. */
export type NameFailure = "timeout" | "unreachable" | "server-failure" | "malformed" | "truncated";

/** The question for one address without a name. */
export interface NameInquiry {
  /** `none`: a server answered that it has no name; `not-asked`: the address is one that no name server can know. */
  readonly outcome: "none" | "failed" | "waiting" | "not-asked";
  /** How the last query failed. Missing: it did not. */
  readonly failure?: NameFailure;
  /** Servers that were asked, in that order, each once: an address, with its port unless that is 53. */
  readonly servers: readonly string[];
  /** Queries that were sent. */
  readonly queries: number;
}
