/** Where a law is known not to hold, and why: each is named, and the summary prints how often it happens. Everything else is a failure. */
import type { Circumstance } from "./laws/knowledge.ts";
import type { Violation } from "./run-history.ts";

/** A law, and what must be so for a breach of it to be excused. */
interface Exception {
  readonly law: string;
  readonly when: Circumstance;
  readonly why: string;
}

const EXCEPTIONS: readonly Exception[] = [];

/** The name of the exception that excuses a breach: `law when`; undefined: none does. */
export function exceptionFor({ law, circumstances }: Violation): string | undefined {
  const found = EXCEPTIONS.find((each) => each.law === law && circumstances.has(each.when));
  return found && `${found.law} under ${found.when}: ${found.why}`;
}
