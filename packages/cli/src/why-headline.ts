/** The row that `conntrail why` explains: one line that names it, and what is to be known of it as a whole. */
import { placeText, tupleDetail } from "@conntrail/model";
import type { ConnectionJson, EndJson, MasterJson } from "@conntrail/report";
import type { Explanation, Fact } from "@conntrail/reporter";

/** Both ends, how many there are, and how it stands. */
export function headline({ connection, outcome, blanks }: Explanation): string {
  const { protocol, from, to, state, count } = connection;
  const many = count > 1 ? `, ${count} connections` : "";
  const detail = tupleDetail(protocol, from.port, to.port);
  // Of UDP that only sockets tell nobody saw a datagram: the blank says so.
  const isUnheard = state === "established" && outcome === undefined && blanks.some(({ about }) => about === "state");
  const how = isUnheard ? "open" : outcome === undefined ? state : `${state} (${outcome})`;
  return `${protocol} ${end(protocol, from)} → ${end(protocol, to)}${detail}: ${how}${many}`;
}

/** Direction, translation, and what else the row has; a line each. */
export function aboutRow({ connection, facts, notes = [], isRecorded }: Explanation): string[] {
  const { direction, nat, netns, netnsName, master, tunnel, counters } = connection;
  return [
    ...seen(connection, facts),
    ...notes,
    direction.evidence === "none"
      ? "direction: not known; the order is arbitrary"
      : `direction: ${direction.confidence}, by ${EVIDENCE_TEXT[direction.evidence]}`,
    ...(nat === null ? [] : [translated(connection.protocol, connection.from, nat)]),
    ...(tunnel === undefined
      ? []
      : [`a tunnel (${tunnel}): what goes through it has rows of its own, where it is tracked`]),
    ...(master === undefined ? [] : [announced(master, isRecorded === true)]),
    ...(counters === undefined ? [] : [bytesText(counters)]),
    ...(netns === null ? [] : [`network namespace ${netns}${netnsName === undefined ? "" : ` (${netnsName})`}`]),
  ];
}

function end(protocol: string, { address, port, process, pid }: EndJson): string {
  const place = placeText(protocol, { address, port });
  return process === null ? place : `${place} ${process} (pid ${pid})`;
}

const EVIDENCE_TEXT: Readonly<Record<ConnectionJson["direction"]["evidence"], string>> = {
  conntrack: "conntrack",
  listener: "a listener",
  "ephemeral-port": "the ports",
  "port-order": "the order of the ports",
  none: "nothing",
};

/** When it was first and last heard of, by the row or by a fact about it alone; the day once where it is the same. */
function seen(row: ConnectionJson, facts: readonly Fact[]): string[] {
  if (row.firstSeen === null || row.lastSeen === null || row.firstSeen === NO_TIME) return [];
  const own = facts.filter(({ source }) => source !== "listener" && source !== "name").map(({ time }) => time);
  const times = [row.firstSeen, row.lastSeen, ...own].sort();
  const [firstSeen, lastSeen] = [times[0]!, times.at(-1)!];
  const [day, time] = [firstSeen.slice(0, 10), firstSeen.slice(11, 23)];
  if (firstSeen === lastSeen) return [`heard of once, ${day} ${time} (UTC)`];
  const until = `${lastSeen.startsWith(day) ? "" : `${lastSeen.slice(0, 10)} `}${lastSeen.slice(11, 23)}`;
  return [`first heard of ${day} ${time}, last ${until} (UTC)`];
}

/** The time of a file without times. */
const NO_TIME = "1970-01-01T00:00:00.000Z";

/** What went either way, in all digits. */
function bytesText({ original, reply, exact }: NonNullable<ConnectionJson["counters"]>): string {
  const [sent, received] = [exact?.original ?? original, exact?.reply ?? reply];
  const packets = `${sent.packets} ${String(sent.packets) === "1" ? "packet" : "packets"}`;
  return `bytes: ${sent.bytes} sent in ${packets}, ${received.bytes} received in ${received.packets}`;
}

/** What each side saw instead of the other's real end. */
function translated(protocol: string, from: EndJson, { kind, visible }: NonNullable<ConnectionJson["nat"]>): string {
  const seen = placeText(protocol, visible.from);
  const caller = seen === placeText(protocol, from) ? "" : `, the server sees the caller as ${seen}`;
  return `translated (${kind}): the opener called ${placeText(protocol, visible.to)}${caller}`;
}

/** Which connection announced it, and where that is in the report. */
function announced({ protocol, from, to, id }: MasterJson, isRecorded: boolean): string {
  const why = `conntrail why${isRecorded ? " --replay FILE" : ""}`;
  const tuple = `${protocol} ${placeText(protocol, from)} → ${placeText(protocol, to)}`;
  const where =
    id === null ? "which is in no report" : `id:${id}, ${why} ${placeText(protocol, from)} ${placeText(protocol, to)}`;
  return `announced by the control connection ${tuple} (${where})`;
}
