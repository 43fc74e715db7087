/** The connections of a snapshot that only sockets show. */
import type { Tick } from "@conntrail/model";
import { STATE } from "../codes.ts";
import type { MergeState } from "../merge-state.ts";
import { NO_ROW, type Row } from "../rows/row.ts";
import { noteOver } from "../sockets/note-over.ts";
import type { ColumnWriter } from "./column-writer.ts";
import type { Gathered } from "./gathered.ts";

/** Writes all that the latest table has, and once each those that it no longer has. */
export function writePairs(state: MergeState, tick: Tick, writer: ColumnWriter, facts: Gathered): void {
  const { rows } = state.connections;
  for (let row = rows.first(); row !== NO_ROW; row = rows.after(row)) {
    if (writePair(state, row, tick, writer, facts)) rows.release(row);
  }
}

/** Writes the connection of a row, unless it waits and was never shown. True when it is written as over. */
export function writePair(state: MergeState, row: Row, tick: Tick, writer: ColumnWriter, facts: Gathered): boolean {
  const { rows, generation } = state.connections;
  const patient = !tick.final && state.conntrack.state !== "off";
  const ended = rows.generation(row) !== generation;
  // A scan may be faster than the events of a flow: what it saw is told as over when no flow can come any more that has it.
  const waits = ended && patient && !rows.isOverTold(row) && mayBecomeFlow(state, tick, rows.lastSeenMs(row));
  facts.waits = waits;
  if (waits && !rows.isShown(row)) return false;
  facts.gatherPair(rows, row);
  if (waits) facts.state = STATE.closing;
  else facts.state = ended ? endedState(rows.state(row)) : rows.state(row);
  writer.write(rows, row, row, facts);
  const over = ended && !waits;
  if (over) noteOver(rows, row, state.context.history.past);
  else rows.setShown(row);
  return over;
}

/** True while the batch that speaks of the time at which a socket was last seen is still to come, but not for ever. */
function mayBecomeFlow({ settings, flows }: MergeState, tick: Tick, lastSeenMs: number): boolean {
  return flows.cutMs < lastSeenMs && tick.timeMs - lastSeenMs < settings.lateJoinMs;
}

/** A connection that was never seen beyond its opening has failed, as far as sockets tell. */
function endedState(state: number): number {
  return state === STATE.opening ? STATE.failed : STATE.closed;
}
