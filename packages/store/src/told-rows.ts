/** What a report has to tell the store: every ended connection, and at an interval every living one. Read in slices, so that the host's event loop stays free. */
import { CONNECTION_STATE } from "@conntrail/model";
import type { Report } from "@conntrail/report";
import type { ConnectionLedger } from "./connection-ledger.ts";
import { linePrefix, type RowContext, type RowEvent, rowText } from "./row-text.ts";

/** Rows of a report that are looked at before the event loop gets its turn: some two milliseconds of lines. */
const SLICE_ROWS = 512;

const CLOSED = CONNECTION_STATE.indexOf("closed");
const FAILED = CONNECTION_STATE.indexOf("failed");

/** A slice of a report's lines. */
export interface Lines {
  readonly text: string;
  readonly rows: number;
}

/** The lines of `report`, a slice at a time. `withLiving`: a round in which the living are told, too. */
export function* toldRows(
  report: Report,
  ledger: ConnectionLedger,
  context: RowContext,
  withLiving: boolean,
): Generator<Lines> {
  const { columns } = report.raw;
  const prefix = linePrefix(report, context);
  let text = "";
  let rows = 0;
  let looked = 0;
  for (let row = 0; row < columns.length; row++) {
    const event = eventOf(columns.state[row]!);
    if (event === "live" && !withLiving) continue;
    const news = event === "live" ? ledger.touch(columns, row) : ledger.close(columns, row);
    text += rowText(prefix, report.connection(row), event, news);
    rows++;
    if (++looked < SLICE_ROWS) continue;
    yield { text, rows };
    text = "";
    rows = 0;
    looked = 0;
  }
  if (withLiving) ledger.endRound();
  if (rows > 0) yield { text, rows };
}

function eventOf(state: number): RowEvent {
  return state === CLOSED ? "closed" : state === FAILED ? "failed" : "live";
}
