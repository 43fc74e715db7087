/**
 * One line of `conntrack -L` or `-E`, with any of `-o extended,id,timestamp,ktimestamp,labels,userspace`, or of
 * /proc/net/nf_conntrack (conntrack(8); libnetfilter_conntrack src/conntrack/snprintf_default.c; the kernel's
 * nf_conntrack_standalone.c). All of them print the same words in nearly the same order:
 *
 *     [time] [event] l3-name l3-number l4-name l4-number timeout STATE tuple counters [UNREPLIED] tuple counters [ASSURED] key=value…
 */
import { FAMILY, protocolName, protocolNumber } from "@conntrail/model";
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
  const reading = { at: 0 };
  try {
    return parseWords(words, reading, context);
  } catch (error) {
    if (error instanceof LineFailure) error.at = indexOfWord(line, reading.at);
    throw error;
  }
}

/** `reading.at` is the word that is being read: where a failure is. */
function parseWords(words: readonly string[], reading: { at: number }, context: LineContext): TextFlow | undefined {
  const timeMs = parseTime(words[0]!);
  if (timeMs !== undefined) reading.at++;
  const event = EVENTS.get(words[reading.at] ?? "");
  if (event !== undefined) reading.at++;
  if (isExpectation(words, reading.at)) return undefined;
  // With `-o extended` and in /proc the network protocol stands before the transport protocol.
  const isExtended = isProtocol(words, reading.at) && isProtocol(words, reading.at + 2);
  const stated = isExtended ? takeFamily(words, reading) : undefined;
  if (!isProtocol(words, reading.at)) throw new LineFailure("bad-line", "expected a protocol and its number");
  const protocol = Number(words[reading.at + 1]);
  agree(words[reading.at]!, protocol, protocolNumber(words[reading.at]!), protocolName(protocol));
  const fields = new FlowFields(protocol, context);
  for (reading.at += 2; reading.at < words.length; reading.at++) fields.take(words[reading.at]!);
  const found = fields.finish();
  const family = found.original.source.length === 4 ? FAMILY.ipv4 : FAMILY.ipv6;
  if (stated !== undefined && stated !== family) {
    throw new LineFailure("bad-address", "addresses of another family than the line's");
  }
  return { timeMs, message: { kind: event ?? "row", family, ...found } };
}

/** Brackets hold their words together. */
const WORD = /\[[^\]]*\]|\S+/g;
/** `conntrack v1.4.7 (conntrack-tools): 22 flow entries have been shown.` */
const SUMMARY = /^\s*(?:conntrack v[\d.]+ \(conntrack-tools\):|#)/;
const TIME = /^\[(\d{1,15})\.(\d{1,6}) *\]$/;
const EVENTS: ReadonlyMap<string, ConntrackKind> = new Map([
  ["[NEW]", "new"],
  ["[UPDATE]", "update"],
  ["[DESTROY]", "destroy"],
]);
/** What /proc and conntrack print for a protocol that they have no name for. */
const UNNAMED = "unknown";
const FAMILIES: ReadonlyMap<string, number> = new Map(Object.entries({ ipv4: FAMILY.ipv4, ipv6: FAMILY.ipv6 }));
const FAMILY_NAMES = new Map(Array.from(FAMILIES, ([name, number]) => [number, name]));

/** `[seconds.microseconds]`. Old versions of conntrack do not pad the microseconds with zeros: they are a number, not a fraction. */
function parseTime(word: string): number | undefined {
  const time = TIME.exec(word);
  return time === null ? undefined : (Number(time[1]) * 1e6 + Number(time[2])) / 1000;
}

/** `conntrack -E expect` and `-L expect` print a timeout, perhaps, and `proto=` or `l3proto`, where a flow's line has a name. A number alone is the rest of a line. */
function isExpectation(words: readonly string[], at: number): boolean {
  const word = /^\d+$/.test(words[at] ?? "") ? words[at + 1] : words[at];
  return /^(?:proto=\d+|l3proto)$/.test(word ?? "");
}

function isProtocol(words: readonly string[], at: number): boolean {
  return (
    /^[a-z][a-z0-9]*$/.test(words[at] ?? "") && /^\d{1,3}$/.test(words[at + 1] ?? "") && Number(words[at + 1]) < 256
  );
}

function takeFamily(words: readonly string[], reading: { at: number }): number {
  const name = words[reading.at]!;
  const family = Number(words[reading.at + 1]);
  agree(name, family, FAMILIES.get(name), FAMILY_NAMES.get(family) ?? UNNAMED);
  reading.at += 2;
  return family;
}

/** A name and a number that contradict are a line that was cut or joined with another. */
function agree(name: string, number: number, numberOfName: number | undefined, nameOfNumber: string): void {
  if (numberOfName === number || name === UNNAMED) return;
  if (numberOfName !== undefined) throw new LineFailure("bad-line", `${name} is ${numberOfName}, not ${number}`);
  if (!/^(?:\d+|unknown)$/.test(nameOfNumber)) {
    throw new LineFailure("bad-line", `${number} is ${nameOfNumber}, not ${name}`);
  }
}

/** Where the word with that number begins; behind the last one the line's end. */
function indexOfWord(line: string, word: number): number {
  return [...line.matchAll(WORD)][word]?.index ?? line.trimEnd().length;
}
