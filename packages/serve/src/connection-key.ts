/** Which connection a row speaks of across reports, and what of it can be news: both read from the columns, for every row of every report is looked at. */
import { ADDRESS_WORDS, SOURCE } from "@conntrail/model";
import type { RawReport } from "@conntrail/report";

/** Its ends, its namespace, what NAT made of it, and when it began: an opaque text. Two rows of one report never have the same. */
export function connectionKey({ columns, devices }: RawReport, row: number): string {
  const { originalSource, originalDestination, replySource, replyDestination, originalPorts, replyPorts } = columns;
  let key = `${columns.netns[row]} ${columns.zone[row]} ${columns.protocol[row]} ${originalPorts[row]} ${replyPorts[row]} ${columns.firstSeenMs[row]}`;
  for (const words of [originalSource, originalDestination, replySource, replyDestination]) {
    for (let i = 0; i < ADDRESS_WORDS; i++) key += ` ${words[row * ADDRESS_WORDS + i]}`;
  }
  // Of what only sockets show, the device may be all that tells two apart (F47).
  if (columns.sources[row] === SOURCE.sockets && devices !== undefined) {
    for (const device of [columns.fromDevice[row]!, columns.toDevice[row]!]) key += ` ${devices[device - 1] ?? ""}`;
  }
  return key;
}

/** What can change while it lives; `lastSeen` alone is no news. */
export function connectionDigest({ columns, owners, names }: RawReport, row: number): string {
  const { fromOwner, toOwner, fromNames, toNames } = columns;
  const pid = (owner: number): number => (owner === 0 ? 0 : owners.at(owner - 1)!.pid);
  const name = (index: number): string => (index === 0 ? "" : (names.at(index - 1)![0] ?? ""));
  const facts = `${columns.state[row]} ${columns.count[row]} ${columns.evidence[row]} ${columns.confidence[row]} ${columns.sources[row]} ${columns.flags[row]}`;
  const who = `${pid(fromOwner[row]!)} ${columns.fromReason[row]} ${pid(toOwner[row]!)} ${columns.toReason[row]}`;
  return `${facts} ${who} ${columns.originalBytes[row]} ${columns.replyBytes[row]} ${name(fromNames[row]!)} ${name(toNames[row]!)}`;
}
