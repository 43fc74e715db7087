/** Where a law is known not to hold, and why: each is named, and the summary prints how often it happens. Everything else is a failure. */
import type { Circumstance } from "./laws/knowledge.ts";
import type { Violation } from "./run-history.ts";

/** What must be so for a breach of some laws to be excused. */
interface Exception {
  readonly when: Circumstance;
  readonly laws: readonly string[];
  readonly why: string;
}

const EXCEPTIONS: readonly Exception[] = [
  {
    when: "reuse",
    laws: ["told-once", "no-row-twice", "ends", "owner-true", "owner-given", "present"],
    why: "one batch told of the end of one connection and the beginning of the next with its tuple: nothing but the order of events tells them apart",
  },
  {
    when: "deleted",
    laws: ["told-once", "over-is-over", "owner-true", "owner-given", "no-row-twice", "present"],
    why: "an entry was deleted while its connection lived, and no socket of it had been seen: conntrack tells of an end and of a new flow",
  },
  {
    when: "partial",
    laws: ["told-once", "no-row-twice", "over-is-over", "ends", "owner-true", "owner-given", "present"],
    why: "a namespace on the way does not track: nothing says what leads from one end to the other",
  },
  {
    when: "restart",
    laws: ["told-once", "no-row-twice", "over-is-over", "ends", "owner-true", "owner-given", "present"],
    why: "the ingest was down: what it had known is taken over by guesses",
  },
  {
    when: "loss",
    laws: ["told-once", "no-row-twice", "over-is-over", "ends", "owner-true", "owner-given", "present"],
    why: "events of a namespace on the way were lost",
  },
  {
    when: "late",
    laws: ["told-once", "no-row-twice", "over-is-over", "ends", "owner-true", "owner-given", "present"],
    why: "a namespace on the way was found after the connection had begun",
  },
  {
    when: "ghost",
    laws: ["told-once", "present", "owner-given", "over-is-over", "owner-true"],
    why: "the connection was made while nobody listened: its entry has no events",
  },
];

/** The name of the exception that excuses a breach, beginning with its law; undefined: none does. */
export function exceptionFor({ law, circumstances }: Violation): string | undefined {
  const found = EXCEPTIONS.find((each) => circumstances.has(each.when) && each.laws.includes(law));
  return found && `${law} (${found.when}): ${found.why}`;
}
