/** The row that `conntrail why` explains: one line that names it, and what is to be known of it as a whole. */
import { placeText, tupleDetail } from "@conntrail/model";
import type { ConnectionJson, EndJson, MasterJson } from "@conntrail/report";
import type { Explanation } from "@conntrail/reporter";

/** Both ends, how many there are, and how it stands. */
export function headline({ connection, outcome }: Explanation): string {
  const { protocol, from, to, state, count } = connection;
  const many = count > 1 ? `, ${count} connections` : "";
  const detail = tupleDetail(protocol, from.port, to.port);
  const how = outcome === undefined ? state : `${state} (${outcome})`;
  return `${protocol} ${end(protocol, from)} → ${end(protocol, to)}${detail}: ${how}${many}`;
}

/** Direction, translation, and what else the row has; a line each. */
export function aboutRow({ connection, notes = [] }: Explanation): string[] {
  const { direction, nat, netns, netnsName, master, via, tunnel, counters } = connection;
  return [
    ...notes,
    direction.evidence === "none"
      ? "direction: not known; the order is arbitrary"
      : `direction: ${direction.evidence}, ${direction.confidence}`,
    ...(nat === null ? [] : [translated(connection.protocol, connection.from, nat)]),
    ...(via === undefined
      ? []
      : [`${via.process} (pid ${via.pid}) passes it on; the other leg: conntrail why pid:${via.pid}`]),
    ...(tunnel === undefined
      ? []
      : [`a tunnel (${tunnel}): what goes through it has rows of its own, where it is tracked`]),
    ...(master === undefined ? [] : [announced(master)]),
    ...(counters === undefined ? [] : [bytesText(counters)]),
    ...(netns === null ? [] : [`network namespace ${netns}${netnsName === undefined ? "" : ` (${netnsName})`}`]),
  ];
}

function end(protocol: string, { address, port, process, pid }: EndJson): string {
  const place = placeText(protocol, { address, port });
  return process === null ? place : `${place} ${process} (pid ${pid})`;
}

/** What went either way, in all digits. */
function bytesText({ original, reply, exact }: NonNullable<ConnectionJson["counters"]>): string {
  const [sent, received] = [exact?.original ?? original, exact?.reply ?? reply];
  return `bytes: ${sent.bytes} sent in ${sent.packets} packets, ${received.bytes} received in ${received.packets}`;
}

/** What each side saw instead of the other's real end. */
function translated(protocol: string, from: EndJson, { kind, visible }: NonNullable<ConnectionJson["nat"]>): string {
  const seen = placeText(protocol, visible.from);
  const caller = seen === placeText(protocol, from) ? "" : `, the server sees the caller as ${seen}`;
  return `translated (${kind}): the opener called ${placeText(protocol, visible.to)}${caller}`;
}

/** Which connection announced it, and where that is in the report. */
function announced({ protocol, from, to, id }: MasterJson): string {
  const tuple = `${protocol} ${placeText(protocol, from)} → ${placeText(protocol, to)}`;
  const where = id === null ? "which is in no report" : `id:${id}`;
  return `announced by the control connection ${tuple} (${where})`;
}
