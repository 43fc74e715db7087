/** A connection of a report as a row of a block: straight from the report's columns, without a view between. */
import {
  ADDRESS_WORDS,
  CONNECTION_FLAG,
  fromPort,
  NAT_KIND,
  OWNER_REASON,
  protocolName,
  toPort,
  visibleFromPort,
  visibleToPort,
} from "@conntrail/model";
import type { RawReport, Records } from "@conntrail/report";
import type { RowBlock } from "./row-block.ts";
import { TELLING_EVENTS, type Telling } from "./tellings.ts";

/** What all rows of a sink have in common. */
export interface RowContext {
  readonly scope: string;
  /** Life of the reporter. */
  readonly boot: string;
}

/** Adds what `telling` tells of a connection of `report`. */
export function appendRow(block: RowBlock, { scope, boot }: RowContext, report: RawReport, telling: Telling): void {
  const { columns: into } = block;
  const { columns } = report;
  const { row, event, news } = telling;
  into.time.push(Math.max(0, Math.floor(report.window.endMs / 1000)));
  into.scope.push(scope);
  into.host.push(report.host.id);
  into.host_name.push(report.host.name);
  into.boot.push(boot);
  into.event.push(TELLING_EVENTS.indexOf(event) + 1);
  into.protocol.push(protocolName(columns.protocol[row]!));
  into.netns.push(columns.netns[row]!);
  appendEnds(block, report, row);
  appendOwners(block, report, row);
  into.evidence.push(columns.evidence[row]!);
  into.confidence.push(columns.confidence[row]!);
  into.state.push(columns.state[row]!);
  const flags = columns.flags[row]!;
  into.from_local.push(bitOf(flags, CONNECTION_FLAG.fromLocal));
  into.to_local.push(bitOf(flags, CONNECTION_FLAG.toLocal));
  into.transit.push(bitOf(flags, CONNECTION_FLAG.transit));
  into.aggregated.push(bitOf(flags, CONNECTION_FLAG.aggregated));
  into.self_traffic.push(bitOf(flags, CONNECTION_FLAG.selfTraffic));
  const count = columns.count[row]!;
  into.opened.push(news.isNew ? count : 0);
  into.closed.push(event === "closed" ? count : 0);
  into.failed.push(event === "failed" ? count : 0);
  into.from_packets.push(news.fromPackets);
  into.from_bytes.push(news.fromBytes);
  into.to_packets.push(news.toPackets);
  into.to_bytes.push(news.toBytes);
  const firstSeenMs = Math.max(0, news.firstSeenMs);
  into.first_seen.push(Math.round(firstSeenMs));
  into.duration_ms.push(Math.max(0, Math.round(columns.lastSeenMs[row]! - firstSeenMs)));
  block.rows++;
}

/** Addresses and ports; what the ends see of one another only where that is another thing. */
function appendEnds({ columns: into }: RowBlock, { columns }: RawReport, row: number): void {
  const at = row * ADDRESS_WORDS;
  into.from_address.push(columns.originalSource, at);
  into.from_port.push(fromPort(columns, row));
  into.to_address.push(columns.replySource, at);
  into.to_port.push(toPort(columns, row));
  into.nat.push(columns.nat[row]!);
  if (columns.nat[row] === NO_NAT) {
    into.visible_from_address.pushNone();
    into.visible_from_port.push(0);
    into.visible_to_address.pushNone();
    into.visible_to_port.push(0);
    return;
  }
  into.visible_from_address.push(columns.replyDestination, at);
  into.visible_from_port.push(visibleFromPort(columns, row));
  into.visible_to_address.push(columns.originalDestination, at);
  into.visible_to_port.push(visibleToPort(columns, row));
}

const NO_NAT = NAT_KIND.indexOf("none");

/** Processes, why there is none, and names. */
function appendOwners({ columns: into }: RowBlock, { columns, owners, names }: RawReport, row: number): void {
  const from = recordOf(owners, columns.fromOwner[row]!);
  const to = recordOf(owners, columns.toOwner[row]!);
  into.from_pid.push(from?.pid ?? 0);
  into.to_pid.push(to?.pid ?? 0);
  into.from_process.push(from?.process ?? "");
  into.to_process.push(to?.process ?? "");
  into.from_owner_reason.push(reasonOf(columns.fromReason[row]!));
  into.to_owner_reason.push(reasonOf(columns.toReason[row]!));
  into.from_container.push(from?.containerId ?? "");
  into.to_container.push(to?.containerId ?? "");
  into.from_name.push(recordOf(names, columns.fromNames[row]!)?.[0] ?? "");
  into.to_name.push(recordOf(names, columns.toNames[row]!)?.[0] ?? "");
}

/** What a 1-based number points to; 0 is nothing. */
function recordOf<T>(records: Records<T>, number: number): T | undefined {
  return number === 0 ? undefined : records.at(number - 1);
}

function reasonOf(reason: number): string {
  const word = OWNER_REASON[reason]!;
  return word === "known" ? "" : word;
}

function bitOf(flags: number, flag: number): 0 | 1 {
  return flags & flag ? 1 : 0;
}
