/** The answer of `conntrail why` as text for people: the row, the facts in the order in which they came, what became of each, and what is missing. */
import { printable } from "@conntrail/model";
import { cut, fold, type Paint, painter } from "@conntrail/report";
import type { Blank, Explained, Explanation, Fact, Verdict } from "@conntrail/reporter";
import type { Terminal } from "./terminal.ts";
import { aboutRow, headline } from "./why-headline.ts";

/** Width without a terminal: lines that are read in a mail or an issue. */
const PLAIN_WIDTH = 120;
const INDENT = 18;

/** The time of a fact from a file without times. */
const NO_TIME = "1970-01-01T00:00:00.000Z";

const WORDS: Readonly<Record<Verdict, string>> = {
  decided: "decided",
  agrees: "confirms",
  overruled: "overruled",
};

/** The answer, rows after one another. */
export function whyText({ explanations, found }: Explained, { columns, color }: Terminal): string {
  const paint = painter(color === true);
  const width = columns ?? PLAIN_WIDTH;
  const rows = explanations.map((explanation) => whyLines(explanation, width, paint));
  const more =
    found > explanations.length
      ? [`${found - explanations.length} earlier connections fit, too: --limit tells more.`]
      : [];
  return `${[...rows.map((lines) => lines.join("\n")), ...more].join("\n\n")}\n`;
}

/** The answer for one row as lines, none wider than `width`. */
export function whyLines(explanation: Explanation, width: number, paint: Paint): string[] {
  const { facts, more, blanks } = explanation;
  return [
    ...fold(printable(headline(explanation)), width, 2).map((line) => paint("bold", line)),
    ...aboutRow(explanation).flatMap((line) => fold(`  ${printable(line)}`, width, 4)),
    ...(facts.length === 0 ? [] : ["", cut(factsTitle(facts), width)]),
    ...facts.flatMap((fact, i) => factLines(fact, isLate(facts, i), unnamed(explanation.connection), width)),
    ...(more === 0 ? [] : [`  … and ${more} more`]),
    ...(blanks.length === 0 ? [] : ["", "What it does not say, and why:"]),
    ...bothSides(blanks).flatMap(({ about: name, text, help }) => [
      ...indented(`  ${name.padEnd(INDENT - 4)}`, text, width),
      ...(help === null ? [] : indented(" ".repeat(INDENT - 2), `→ ${help}`, width)),
    ]),
  ];
}

/** With the day or the days of the facts, for their times have none. */
function factsTitle(facts: readonly Fact[]): string {
  const days = facts.flatMap(({ time }) => (time === NO_TIME ? [] : [time.slice(0, 10)])).sort();
  const [first, last] = [days[0], days.at(-1)];
  const day = first === undefined ? "" : ` (${first === last ? first : `${first} to ${last}`}, UTC)`;
  return `What was told, each thing once, in the order in which it came${day}:`;
}

/** Somebody told it after what happened later. */
function isLate(facts: readonly Fact[], at: number): boolean {
  return facts.slice(0, at).some(({ time }) => time > facts[at]!.time);
}

/** What is missing at both ends for the same reason is told once: `from.names` and `to.names` as `names`. */
function bothSides(blanks: readonly Blank[]): Blank[] {
  const isTwin = (one: Blank | undefined, other: Blank | undefined): boolean =>
    one?.text === other?.text &&
    one?.help === other?.help &&
    one?.about.replace("from.", "to.") === other?.about &&
    one !== other;
  return blanks.flatMap((blank, i) => {
    if (isTwin(blanks[i - 1], blank)) return [];
    return isTwin(blank, blanks[i + 1]) ? [{ ...blank, about: blank.about.replace("from.", "") }] : [blank];
  });
}

/** Ends of whose process nothing is known: what names none does not confirm that. */
function unnamed({ from, to }: Explanation["connection"]): ReadonlySet<string> {
  return new Set([...(from.pid === null ? ["from.process"] : []), ...(to.pid === null ? ["to.process"] : [])]);
}

function factLines(
  { time, source, netns, netnsName, text, claims }: Fact,
  late: boolean,
  blank: ReadonlySet<string>,
  width: number,
): string[] {
  const where = netns === null ? "" : ` [${netnsName ?? netns}]`;
  const when = time === NO_TIME ? "no time" : time.slice(11, 23);
  const told = `${source}${where}${late ? " (told late)" : ""}: ${text}`;
  return [
    ...indented(`  ${when}`.padEnd(INDENT - 2), told, width),
    ...claims.flatMap(({ about, verdict, text: said }) => {
      const word = verdict === "agrees" && blank.has(about) ? "tells nothing of" : WORDS[verdict];
      return indented(" ".repeat(INDENT), `${word} ${about}: ${said}`, width);
    }),
  ];
}

/** A first column and text beside it, folded into the width. */
function indented(first: string, text: string, width: number): string[] {
  return fold(`${first}${printable(text)}`, width, first.length);
}
