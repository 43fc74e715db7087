/** Why a row says what it says: the facts that made it in the order in which they arrived, and what was looked for where it says nothing. */
import type { ConnectionJson } from "@conntrail/report";

/** Who told: an event of conntrack's or a row of its dump, a socket or a listener of a scan, a process seen by the trace, an answer of a name server. */
export type FactSource = "event" | "dump" | "socket" | "listener" | "trace" | "name";

/** What became of what a fact says: the row says so because of it; the row says the same for a better reason; the row says otherwise, for a better reason. */
export type Verdict = "decided" | "agrees" | "overruled";

/** A claim of a fact about one member of the row. */
export interface Claim {
  /** `direction`, `nat`, `state`, `from.process`, `to.process`, `from.names`, `to.names`. */
  readonly about: string;
  readonly verdict: Verdict;
  /** One phrase: what it says of that, and what stands against it. */
  readonly text: string;
}

/** One thing that somebody told. */
export interface Fact {
  /** ISO 8601: when it was taken in. */
  readonly time: string;
  readonly source: FactSource;
  /** Inode of the network namespace that it is from; null for names, and where it is not known. */
  readonly netns: number | null;
  /** What that namespace is called. Absent when it has no name, or none is known. */
  readonly netnsName?: string;
  readonly text: string;
  readonly claims: readonly Claim[];
}

/** Something that the row does not say. */
export interface Blank {
  readonly about: string;
  /** What was looked for, and where that ended. */
  readonly text: string;
  /** What would help; null when nothing would. */
  readonly help: string | null;
}

/** The answer for one row. */
export interface Explanation {
  readonly connection: ConnectionJson;
  /** How it ended, of one that failed and whose end is kept; of an open one whether just one of its ends was closed. Absent otherwise. */
  readonly outcome?: "refused" | "no answer" | "half closed";
  /** Sentences about the row as a whole. Absent without any. */
  readonly notes?: readonly string[];
  /** It is of a recording that can be asked again. Absent of what was watched. */
  readonly isRecorded?: true;
  /** ISO 8601: facts from before are not kept any more; null when all are there. */
  readonly since: string | null;
  readonly facts: readonly Fact[];
  /** Facts beyond the 200 that are kept. */
  readonly more: number;
  readonly blanks: readonly Blank[];
}
