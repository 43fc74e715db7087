/** What a law is: a sentence about every connection of a world, and a function that finds where it is broken. */
import type { Observed } from "../observe/observe.ts";
import type { Knowledge } from "./knowledge.ts";

/** Where a law is broken: by which report (-1: by all together), and how. */
type Breach = (report: number, what: string) => void;

/** A law about single connections. */
export interface Law {
  readonly name: string;
  readonly says: string;
  /** Calls `breach` for each offence against it. Returns false when it says nothing about this connection. */
  readonly check: (known: Knowledge, observed: Observed, breach: Breach) => boolean;
}
