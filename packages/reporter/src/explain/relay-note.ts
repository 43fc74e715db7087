/**
 * The other leg of a connection that a process on this host passes on. That both legs are one call is a conclusion: the process took one that was meant for an address, and opened one to
 * that address while it had the first. Where several fit none is named.
 */
import { placeText } from "@conntrail/model";
import type { ConnectionJson } from "@conntrail/report";
import { isOver } from "./scan-findings.ts";

/** The sentence; undefined of a row that nobody passes on. `others`: rows with a process between two legs; undefined where none are kept; `why`: the command that asks again. */
export function relayNote(
  row: ConnectionJson,
  others: readonly ConnectionJson[] | undefined,
  why = "conntrail why",
): string | undefined {
  const { via, protocol } = row;
  if (via === undefined) return undefined;
  const who = `${via.process} (pid ${via.pid})`;
  const called = calledText(row);
  const hasTaken = row.to.pid === via.pid;
  if (others === undefined) {
    const both = `both legs: ${why} ${called}`;
    if (hasTaken)
      return `${who} passes it on, likely: it took this one, and opened others to ${called}, the address called here; ${both}`;
    return `${who} opened it to pass on a call, likely: one that it took, and that was meant for ${called}; ${both}`;
  }
  const legs = others.filter((other) => isOtherLeg(row, other, hasTaken));
  const [leg] = legs;
  if (leg === undefined) {
    const passes = hasTaken ? "passes it on" : "opened it to pass on a call";
    return `${who} ${passes}, likely; the other leg is no longer told (${why} ${called})`;
  }
  if (legs.length > 1) {
    const asked = `${why} ${called}`;
    if (hasTaken) {
      return `${who} passes it on, likely: it opened ${legs.length} connections to ${called}, the address called here, while it had this one; which of them is not known (${asked})`;
    }
    return `${who} opened it to pass on a call, likely: it had ${legs.length} that were meant for ${called}; which of them is not known (${asked})`;
  }
  const [from, to] = [placeText(protocol, leg.from), placeText(protocol, leg.to)];
  const ask = `(id:${leg.id}); that leg: ${why} ${from} ${to}`;
  if (hasTaken) {
    return `${who} passes it on, likely: ${laterText(row, leg)}it opened ${from} → ${to}, the address called here ${ask}`;
  }
  const caller = leg.from.process === null ? from : `${leg.from.process} (pid ${leg.from.pid})`;
  const meant = to === called ? "" : `, meant for ${called}`;
  return `${who} opened it to pass on a call of ${caller}, likely: ${from} → ${to}${meant}, which it took ${earlierText(row, leg)}${ask}`;
}

/** The same process, the same address called, the other role, and both at one time. */
function isOtherLeg(row: ConnectionJson, other: ConnectionJson, hasTaken: boolean): boolean {
  const pid = row.via!.pid;
  if (other.via?.pid !== pid || other.protocol !== row.protocol || calledText(other) !== calledText(row)) return false;
  if ((hasTaken ? other.from.pid : other.to.pid) !== pid) return false;
  const [taken, opened] = hasTaken ? [row, other] : [other, row];
  if (taken.firstSeen === null || opened.firstSeen === null) return true;
  if (opened.firstSeen < taken.firstSeen) return false;
  return !isOver(taken) || taken.lastSeen === null || taken.lastSeen >= opened.firstSeen;
}

/** What the opener called. */
function calledText({ protocol, to, nat }: ConnectionJson): string {
  return placeText(protocol, nat?.visible.to ?? to);
}

function laterText({ firstSeen }: ConnectionJson, leg: ConnectionJson): string {
  if (firstSeen === null || leg.firstSeen === null) return "";
  return `${Date.parse(leg.firstSeen) - Date.parse(firstSeen)} ms later `;
}

function earlierText({ firstSeen }: ConnectionJson, leg: ConnectionJson): string {
  if (firstSeen === null || leg.firstSeen === null) return "";
  return `${Date.parse(firstSeen) - Date.parse(leg.firstSeen)} ms before `;
}
