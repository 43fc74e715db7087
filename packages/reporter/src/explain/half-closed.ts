/**
 * One end of a TCP connection is closed and the other is not: RFC 9293 calls that half closed, and it lasts until the other program closes, too. Conntrack tells neither event
 * by which a row would end, so that the row says established; the sockets of both ends, as the latest scan has them, say which.
 */
import { placeText } from "@conntrail/model";
import type { ConnectionJson } from "@conntrail/report";
import type { Blank } from "./explanation.ts";
import type { FactCollector } from "./fact-collector.ts";
import { inNamed } from "./row-place.ts";
import type { Candidate } from "./scan-findings.ts";

const CLOSED = /^FIN_WAIT_?[12]$/;

/** The blank of an established connection that is half closed; none for others. */
export function halfClosedBlank(row: ConnectionJson, { found }: FactCollector): Blank[] {
  if (row.protocol !== "tcp" || row.state !== "established") return [];
  for (const [closed, open] of [
    ["from", "to"],
    ["to", "from"],
  ] as const) {
    const [gone] = found.latestHolders(closed).filter(({ state }) => CLOSED.test(state));
    const [left] = found.latestHolders(open).filter(({ state }) => state === "CLOSE_WAIT");
    if (gone === undefined && left === undefined) continue;
    const place = placeText(row.protocol, row[closed]);
    const [known] = found.latestHolders(closed);
    // Of an end whose socket is still open the other one cannot have been told of a close.
    if (gone === undefined && known !== undefined) continue;
    return [{ about: "state", ...words(row, { place, gone }, { open, left }, found.nameOf.bind(found)) }];
  }
  return [];
}

function words(
  row: ConnectionJson,
  { place, gone }: { readonly place: string; readonly gone: Candidate | undefined },
  { open, left }: { readonly open: "from" | "to"; readonly left: Candidate | undefined },
  nameOf: (netns: number) => string | undefined,
): Omit<Blank, "about"> {
  const end = row[open];
  const who = left?.isHeld === true ? left.who : placeText(row.protocol, end);
  const closed = gone === undefined ? `${place} was closed` : `${place} was closed (${gone.state})`;
  const waits =
    left === undefined ? `${who} was not yet, as far as is known` : `${who} has not closed yet (CLOSE_WAIT)`;
  const text = `half closed, by the sockets: ${closed}, and ${waits}; conntrack has not told an end, so that the row says established`;
  if (left === undefined) {
    const elsewhere = `ss -tan 'sport = :${end.port}'  (where ${end.address} is: CLOSE-WAIT is a program that does not close)`;
    return { text, help: elsewhere };
  }
  const name = left.netns === null ? undefined : nameOf(left.netns);
  const command = inNamed(name, `ss -tanp 'sport = :${end.port}'`);
  return { text, help: `${command}  (still CLOSE-WAIT: ${who} does not close it)` };
}
