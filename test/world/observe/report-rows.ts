/** A report's rows as plain values that can be held against the truth. Which connection a row is, its mark says (entries carry the number of their life), or its bytes (sockets do). */
import {
  CONFIDENCE,
  CONNECTION_FLAG,
  CONNECTION_STATE,
  type Confidence,
  type ConnectionState,
  OWNER_REASON,
  type Owner,
  type OwnerReason,
  type ReportContent,
  realEnds,
  SOURCE,
  visibleEnds,
} from "@conntrail/model";
import { type End, endOfWords } from "../truth/addresses.ts";

/** An end of a row. */
export interface RowEnd {
  readonly real: End;
  readonly seen: End;
  readonly owner: Owner | undefined;
  readonly reason: OwnerReason;
  readonly names: readonly string[];
}

/** One row. */
export interface Row {
  /** The number of its life; 0: it does not say. */
  readonly number: number;
  readonly protocol: number;
  readonly netns: number;
  readonly from: RowEnd;
  readonly to: RowEnd;
  readonly state: ConnectionState;
  readonly ended: boolean;
  readonly confidence: Confidence;
  readonly evidence: number;
  readonly count: number;
  readonly fromFlows: boolean;
  readonly aggregated: boolean;
  readonly stale: boolean;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
}

/** The rows of a report, in its order. */
export function rowsOf({ columns, owners, names }: ReportContent): Row[] {
  const rows: Row[] = [];
  for (let row = 0; row < columns.length; row++) {
    const real = realEnds(columns, row);
    const seen = visibleEnds(columns, row);
    const state = CONNECTION_STATE[columns.state[row]!]!;
    const bytes = Math.max(columns.originalBytes[row]!, columns.replyBytes[row]!);
    const end = (which: "from" | "to"): RowEnd => ({
      real: endOfWords(real[which].address, 0, real[which].port),
      seen: endOfWords(seen[which].address, 0, seen[which].port),
      owner: owners[columns[`${which}Owner`][row]! - 1],
      reason: OWNER_REASON[columns[`${which}Reason`][row]!]!,
      names: names[columns[`${which}Names`][row]! - 1] ?? [],
    });
    rows.push({
      number: columns.mark[row]! || Math.max(0, bytes),
      protocol: columns.protocol[row]!,
      netns: columns.netns[row]!,
      from: end("from"),
      to: end("to"),
      state,
      ended: state === "closed" || state === "failed",
      confidence: CONFIDENCE[columns.confidence[row]!]!,
      evidence: columns.evidence[row]!,
      count: columns.count[row]!,
      fromFlows: (columns.sources[row]! & SOURCE.conntrack) !== 0,
      aggregated: (columns.flags[row]! & CONNECTION_FLAG.aggregated) !== 0,
      stale: (columns.flags[row]! & CONNECTION_FLAG.stale) !== 0,
      firstSeenMs: columns.firstSeenMs[row]!,
      lastSeenMs: columns.lastSeenMs[row]!,
    });
  }
  return rows;
}
