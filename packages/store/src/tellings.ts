/** What a report has to tell of its connections, each with what is new of it. */
import { CONNECTION_STATE } from "@conntrail/model";
import type { Connection, Report } from "@conntrail/report";
import type { ConnectionLedger, News } from "./connection-ledger.ts";

/** Whether a connection lives, has ended, or failed. */
export type TellingEvent = "live" | "closed" | "failed";

/** One connection of a report, to be told. */
export interface Telling {
  readonly connection: Connection;
  readonly event: TellingEvent;
  readonly news: News;
}

const CLOSED = CONNECTION_STATE.indexOf("closed");
const FAILED = CONNECTION_STATE.indexOf("failed");

/** Which connections of a report are told: those that ended, in a round also the living, and at the end of a sink the living alone. */
export type Told = "ended" | "all" | "living";

/** The tellings of `report`, in its order. Living connections that a round did not meet are forgotten at its end. */
export function* tellings(report: Report, ledger: ConnectionLedger, told: Told): Generator<Telling> {
  const { columns } = report.raw;
  for (let row = 0; row < columns.length; row++) {
    const event = eventOf(columns.state[row]!);
    if (event === "live" ? told === "ended" : told === "living") continue;
    const news = event === "live" ? ledger.touch(columns, row) : ledger.close(columns, row);
    yield { connection: report.connection(row), event, news };
  }
  if (told !== "ended") ledger.endRound();
}

function eventOf(state: number): TellingEvent {
  return state === CLOSED ? "closed" : state === FAILED ? "failed" : "live";
}
