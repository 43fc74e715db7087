/** The answer of `conntrail why` as text for people: the row, the facts in the order in which they came, what became of each, and what is missing. */
import { printable } from "@conntrail/model";
import { type ConnectionJson, cut, type EndJson, fold, type MasterJson, type Paint, painter } from "@conntrail/report";
import type { Explained, Explanation, Fact, Verdict } from "@conntrail/reporter";
import type { Terminal } from "./terminal.ts";

/** Width without a terminal: lines that are read in a mail or an issue. */
const PLAIN_WIDTH = 120;
const INDENT = 18;

const WORDS: Readonly<Record<Verdict, string>> = {
  decided: "decided",
  agrees: "agrees",
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
export function whyLines({ connection, facts, more, blanks }: Explanation, width: number, paint: Paint): string[] {
  return [
    ...fold(printable(headline(connection)), width, 2).map((line) => paint("bold", line)),
    ...about(connection).flatMap((line) => fold(`  ${printable(line)}`, width, 4)),
    "",
    facts.length === 0
      ? cut("Nothing was told of it but by the rows themselves.", width)
      : cut("What was told, in the order in which it came:", width),
    ...facts.flatMap((fact) => factLines(fact, width)),
    ...(more === 0 ? [] : [`  … and ${more} more`]),
    ...(blanks.length === 0 ? [] : ["", "What it does not say, and why:"]),
    ...blanks.flatMap(({ about: name, text, help }) => [
      ...indented(`  ${name.padEnd(INDENT - 4)}`, text, width),
      ...(help === null ? [] : indented(" ".repeat(INDENT - 2), `→ ${help}`, width)),
    ]),
  ];
}

function headline({ protocol, from, to, state, count }: ConnectionJson): string {
  const many = count > 1 ? `, ${count} connections` : "";
  return `${protocol} ${end(from)} → ${end(to)}: ${state}${many}`;
}

function end({ address, port, process, pid }: EndJson): string {
  const place = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
  return process === null ? place : `${place} ${process} (pid ${pid})`;
}

function about({ direction, nat, netns, netnsName, master, via, tunnel, protocol }: ConnectionJson): string[] {
  const seen = nat?.visible;
  return [
    direction.evidence === "none"
      ? "direction: not known; the order is arbitrary"
      : `direction: ${direction.evidence}, ${direction.confidence}`,
    ...(nat === null
      ? []
      : [
          `translated (${nat.kind}): the opener called ${place(seen!.to)}, the server was called by ${place(seen!.from)}`,
        ]),
    ...(via === undefined
      ? []
      : [`${via.process} (pid ${via.pid}) passes it on; its other leg is among those of pid:${via.pid}`]),
    ...(tunnel === undefined
      ? []
      : [`a tunnel (${tunnel}): what goes through it has rows of its own, where it is tracked`]),
    ...(protocol === "gre"
      ? ["the numbers at its ends are the call ids of PPTP; of other GRE conntrack keeps no key, and both are 0"]
      : []),
    ...(master === undefined
      ? []
      : [`announced by ${master.protocol} ${place(master.from)} → ${place(master.to)}${numbered(master)}`]),
    ...(netns === null ? [] : [`network namespace ${netns}${netnsName === undefined ? "" : ` (${netnsName})`}`]),
  ];
}

/** Where the connection that announced it is in the report. */
function numbered({ id }: MasterJson): string {
  return id === null ? ", which is in no report" : ` (id:${id})`;
}

function place({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function factLines({ time, source, netns, text, claims }: Fact, width: number): string[] {
  const where = netns === null ? "" : ` [${netns}]`;
  return [
    ...indented(`  ${time.slice(11, 23)}`.padEnd(INDENT - 2), `${source}${where}: ${text}`, width),
    ...claims.flatMap((claim) =>
      indented(" ".repeat(INDENT), `${WORDS[claim.verdict]} ${claim.about}: ${claim.text}`, width),
    ),
  ];
}

/** A first column and text beside it, folded into the width. */
function indented(first: string, text: string, width: number): string[] {
  const gap = first.length;
  const lines = fold(`${first}${printable(text)}`, width, gap);
  return lines;
}
