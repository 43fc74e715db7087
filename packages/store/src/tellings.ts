/** What a report has to tell of its connections, each with what is new of it. */
import { CONNECTION_STATE } from "@conntrail/model";
import type { RawReport } from "@conntrail/report";
import type { ConnectionLedger, News } from "./connection-ledger.ts";

/** What a row is told as: the numbers of the table's list are one more than these places. */
export const TELLING_EVENTS = ["live", "closed", "failed"] as const;
/** Whether a connection lives, has ended, or failed. */
export type TellingEvent = (typeof TELLING_EVENTS)[number];

/** One connection of a report, to be told. */
export interface Telling {
  /** Of the report's columns. */
  readonly row: number;
  readonly event: TellingEvent;
  readonly news: News;
}

const CLOSED = CONNECTION_STATE.indexOf("closed");
const FAILED = CONNECTION_STATE.indexOf("failed");

/** Which connections of a report are told: those that ended, in a round also the living, and at the end of a sink the living alone. */
export type Told = "ended" | "all" | "living";

/** The tellings of `report`, in its order. Living connections that a round did not meet are forgotten at its end. */
export function* tellings(report: RawReport, ledger: ConnectionLedger, told: Told): Generator<Telling> {
  const { columns } = report;
  for (let row = 0; row < columns.length; row++) {
    const event = eventOf(columns.state[row]!);
    if (event === "live" ? told === "ended" : told === "living") continue;
    const news = event === "live" ? ledger.touch(report, row) : ledger.close(report, row);
    yield { row, event, news };
  }
  if (told !== "ended") ledger.endRound();
}

function eventOf(state: number): TellingEvent {
  return state === CLOSED ? "closed" : state === FAILED ? "failed" : "live";
}
