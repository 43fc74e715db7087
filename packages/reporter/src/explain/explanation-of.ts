/** The answer for one row, from what was seen of it. */
import type { ConnectionJson, HealthJson } from "@conntrail/report";
import { blanksOf, type FactOrigin } from "./blanks.ts";
import type { Explanation } from "./explanation.ts";
import type { FactCollector } from "./fact-collector.ts";
import { halfClosedBlank } from "./half-closed.ts";
import { endText } from "./meeting-tuples.ts";
import { relayNote } from "./relay-note.ts";

/** Puts it together. `health` is that of the report that told the row last; `legs`: the rows with a process between two legs, where they are kept. */
export function explanationOf(
  connection: ConnectionJson,
  health: HealthJson,
  seen: FactCollector,
  origin: FactOrigin,
  legs?: readonly ConnectionJson[],
): Explanation {
  const { facts, more } = seen;
  const blanks = blanksOf(connection, health, seen, origin);
  const outcome = seen.outcome ?? (halfClosedBlank(connection, seen).length > 0 ? "half closed" : undefined);
  const relay = relayNote(connection, legs, seen.isRecorded ? "conntrail why --replay FILE" : "conntrail why");
  const notes = [...(seen.isBrought ? [broughtText(connection)] : []), ...(relay === undefined ? [] : [relay])];
  return {
    connection,
    ...(outcome !== undefined && { outcome }),
    ...(notes.length > 0 && { notes }),
    ...(seen.isRecorded && { isRecorded: true as const }),
    since: origin.since,
    facts,
    more,
    blanks,
  };
}

/** The called address is no interface's: something on the way took the connection. */
function broughtText({ from, to }: ConnectionJson): string {
  const taker = to.process === null ? "a socket here" : `${to.process} (pid ${to.pid})`;
  const place = endText(to.address, to.port);
  return `intercepted: ${from.process ?? from.address} called ${place}, an address of no interface here; ${taker} took it, by a rule (TPROXY) or a route of the type local`;
}
