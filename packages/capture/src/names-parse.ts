/** Answers of the resolver in a recording: what an address is called or, in newer recordings, what became of the question for it. */
import { type NameInquiry, parseAddress } from "@conntrail/model";
import { hasFields } from "./json-fields.ts";
import type { NameAnswer } from "./records.ts";

/** The answer in an item of the payload; `undefined` when it is none. */
export function parseNameAnswer(value: unknown): NameAnswer | undefined {
  if (!hasFields(value, { address: "string", names: "texts" })) return undefined;
  const address = parseAddress(value.address);
  const inquiry = "inquiry" in value ? parseInquiry(value.inquiry) : undefined;
  return address && { address, names: value.names, ...(inquiry && { inquiry }) };
}

/** Undefined also for an outcome that a newer version knows: the answer stands without it. */
function parseInquiry(value: unknown): NameInquiry | undefined {
  if (!hasFields(value, { outcome: "string", servers: "texts", queries: "u32" })) return undefined;
  const outcome = OUTCOMES.find((known) => known === value.outcome);
  const failure = hasFields(value, { failure: "string" })
    ? FAILURES.find((known) => known === value.failure)
    : undefined;
  const { servers, queries } = value;
  return outcome && { outcome, ...(failure && { failure }), servers, queries };
}

const OUTCOMES = ["none", "failed", "waiting", "not-asked"] as const;
const FAILURES = ["timeout", "unreachable", "server-failure", "malformed", "truncated"] as const;
