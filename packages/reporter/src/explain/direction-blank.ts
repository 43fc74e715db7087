/** Why a direction is not certain: what the better facts of the ladder lacked, which fact decided, which ones agree, and which were overruled. */
import type { ConnectionJson, HealthJson } from "@conntrail/report";
import type { Blank, Claim } from "./explanation.ts";
import type { FactCollector } from "./fact-collector.ts";
import { CONNTRACK_REASON } from "./reasons.ts";
import { candidatesText } from "./row-place.ts";
import { isCounted, untrackedText } from "./untracked.ts";
import { isDatagram } from "./verdicts.ts";

/** The blank of a direction that is not certain. */
export function directionBlank(
  row: ConnectionJson,
  health: HealthJson,
  seen: FactCollector,
  isForeign: boolean,
): Blank[] {
  const { evidence, confidence } = row.direction;
  if (confidence === "certain") return [];
  const lacks = [conntrackLacks(row, health, seen), listenerLacks(row, seen)];
  const help = isForeign
    ? "conntrack -E or conntrail record, started before the connection, sees who opens it"
    : helpText(row, health, seen);
  if (evidence === "none") {
    const text = `${[...lacks, portsSilent(row, seen)].join("; ")}${overruled(seen, "")}`;
    return [{ about: "direction", text, help }];
  }
  const by = evidence === "conntrack" ? "" : `; so ${portsSay(row, seen)}${agreeing(row, seen)}`;
  const against = overruled(seen, by === "" ? "" : "; nothing says otherwise");
  return [{ about: "direction", text: `${confidence}, not certain: ${lacks.join("; ")}${by}${against}`, help }];
}

/** Conntrack told of it, by an event or in a dump. */
function isTracked({ facts }: FactCollector): boolean {
  return facts.some(({ source }) => source === "event" || source === "dump");
}

function conntrackLacks(row: ConnectionJson, { conntrack }: HealthJson, seen: FactCollector): string {
  if (isTracked(seen)) {
    return row.direction.evidence === "conntrack"
      ? "conntrack's word is of a time after the opening"
      : "conntrack met it in the middle, and then does not know who opened it";
  }
  if (conntrack.reason !== null) return `conntrack told nothing of it (${CONNTRACK_REASON[conntrack.reason]})`;
  if (isCounted(row)) return "what conntrack tells of lookups of names is summed up, and who opened which is not kept";
  return "conntrack, which sees who opens a connection, told nothing of it";
}

function listenerLacks({ protocol }: ConnectionJson, { found }: FactCollector): string {
  if (found.scans === 0) return "no sockets were read";
  if (isDatagram(protocol))
    return "UDP has no listeners that could tell, for its clients bind a port as its servers do";
  return "no listener at just one of its ends was seen";
}

/** What the ports were taken for. */
function portsSay({ direction, from, to }: ConnectionJson, { facts, found }: FactCollector): string {
  if (direction.evidence === "port-order") {
    return `the lower port, ${to.port}, is taken for the server's: a guess (--guess-direction)`;
  }
  const decided = claims(facts, "decided")[0];
  if (decided?.text.startsWith("this end was")) return "the end that was still opening it is taken for the client's";
  const range = found.clientPorts === undefined ? "" : ` (${found.clientPorts.low}–${found.clientPorts.high})`;
  return `the ports decide: clients are given ones like ${from.port}${range}, and not ${to.port}`;
}

/** A bound port decides nothing, and says the same. */
function agreeing({ protocol }: ConnectionJson, { found, sentMs, senders }: FactCollector): string {
  if (!isDatagram(protocol)) return "";
  const { from, to } = sentMs;
  const later = from === undefined || to === undefined ? 0 : Math.round(to - from);
  const first =
    later > 0 ? `; the datagrams agree: the trace saw ${senders.from} send first, ${senders.to} ${later} ms later` : "";
  if (!found.isListenedOn) return first;
  return `${first}; what is bound there agrees (${candidatesText(found, found.listeners.values())})`;
}

function overruled({ facts }: FactCollector, none: string): string {
  const [first] = claims(facts, "overruled");
  return first === undefined ? none : `; overruled: ${first.text}`;
}

function claims(facts: FactCollector["facts"], verdict: Claim["verdict"]): Claim[] {
  return facts.flatMap((fact) =>
    fact.claims.filter((claim) => claim.about === "direction" && claim.verdict === verdict),
  );
}

/** The range of ports for clients says nothing of these two. */
function portsSilent({ from, to }: ConnectionJson, { found: { clientPorts } }: FactCollector): string {
  const text = `the ports ${from.port} and ${to.port} do not tell a client's from a server's`;
  if (clientPorts === undefined) return text;
  const { low, high } = clientPorts;
  const within = [from, to].filter(({ port }) => port >= low && port <= high).length;
  if (within === 1) return text;
  return `${text}: ${within === 2 ? "both are" : "neither is"} of the range for clients (${low}–${high})`;
}

function helpText(row: ConnectionJson, { conntrack }: HealthJson, seen: FactCollector): string {
  if (isTracked(seen))
    return "run conntrail before the connection begins, or have it begin anew: conntrack then sees who opens it";
  if (conntrack.reason !== null) {
    return conntrack.advice ?? "conntrail doctor says what is missing, and prints what mends it";
  }
  if (isCounted(row)) return untrackedText(row, seen)[1];
  return `${untrackedText(row, seen)[1]}; where it is tracked, conntrack tells who opens it`;
}
