/**
 * One line of `conntrack -L` or `-E`, with any of `-o extended,id,timestamp,ktimestamp,labels,userspace`, or of
 * /proc/net/nf_conntrack (conntrack(8); libnetfilter_conntrack src/conntrack/snprintf_default.c; the kernel's
 * nf_conntrack_standalone.c). All of them print the same words in nearly the same order:
 *
 *     [time] [event] l3-name l3-number l4-name l4-number timeout STATE tuple counters [UNREPLIED] tuple counters [ASSURED] key=value…
 */
import { FAMILY } from "@conntrail/model";
import type { ConntrackKind, ConntrackMessage } from "@conntrail/netlink";
import { FlowFields, type LineContext } from "./text-fields.ts";
import { LineFailure } from "./text-tuple.ts";

/** A flow as a line of text has it. */
export interface TextFlow {
  /** Unix milliseconds of `-o timestamp`; `undefined` without it. */
  readonly timeMs: number | undefined;
  /**
   * Kind `row` for a line of a listing. What the line does not say is missing. Status bits are what the line's flags say,
   * and NAT where the tuples do not mirror each other.
   */
  readonly message: ConntrackMessage;
}

/** The flow in a line; `undefined` for lines that are none by design: blank ones, summaries, comments, expectations. Throws LineFailure. */
export function parseFlowLine(line: string, context: LineContext): TextFlow | undefined {
  const words = line.match(WORD);
  if (words === null || SUMMARY.test(line)) return undefined;
  let at = 0;
  const timeMs = parseTime(words[at]!);
  if (timeMs !== undefined) at++;
  const event = EVENTS[words[at] ?? ""];
  if (event !== undefined) at++;
  if (EXPECTATION.test(words[at] ?? "")) return undefined;
  // With `-o extended` and in /proc the network protocol stands before the transport protocol.
  const extended = isProtocol(words, at) && isProtocol(words, at + 2);
  if (extended) at += 2;
  if (!isProtocol(words, at)) throw new LineFailure("bad-line", "expected a protocol and its number");
  const fields = new FlowFields(Number(words[at + 1]), context);
  for (const word of words.slice(at + 2)) fields.take(word);
  const found = fields.finish();
  const family = found.original.source.length === 4 ? FAMILY.ipv4 : FAMILY.ipv6;
  return { timeMs, message: { kind: event ?? "row", family, ...found } };
}

/** Brackets hold their words together. */
const WORD = /\[[^\]]*\]|\S+/g;
/** `conntrack v1.4.7 (conntrack-tools): 22 flow entries have been shown.` */
const SUMMARY = /^\s*(?:conntrack v[\d.]+ \(conntrack-tools\):|#)/;
/** `conntrack -E expect` and `-L expect` begin with a timeout or `proto=`, where a flow's line begins with a name. */
const EXPECTATION = /^(?:\d+|proto=\d+|l3proto)$/;
const TIME = /^\[(\d{1,15})\.(\d{1,6}) *\]$/;
const EVENTS: Readonly<Record<string, ConntrackKind>> = {
  "[NEW]": "new",
  "[UPDATE]": "update",
  "[DESTROY]": "destroy",
};

/** `[seconds.microseconds]`. Old versions of conntrack do not pad the microseconds with zeros: they are a number, not a fraction. */
function parseTime(word: string): number | undefined {
  const time = TIME.exec(word);
  return time === null ? undefined : (Number(time[1]) * 1e6 + Number(time[2])) / 1000;
}

function isProtocol(words: readonly string[], at: number): boolean {
  return (
    /^[a-z][a-z0-9]*$/.test(words[at] ?? "") && /^\d{1,3}$/.test(words[at + 1] ?? "") && Number(words[at + 1]) < 256
  );
}
