/**
 * Why rows of a recording say what they say. The recording is replayed twice: for the rows that were asked for, and once more with somebody who looks at
 * each input and keeps what speaks of one of them. So rows that nobody asks about cost nothing, neither then nor now.
 */
import type { HostFacts } from "@conntrail/model";
import type { Connection, ConnectionJson, HealthJson } from "@conntrail/report";
import { UNKNOWN_HOST } from "../replay/recorded-facts.ts";
import { replayReports, replayTapped } from "../replay/replay.ts";
import type { ReplayOptions } from "../replay/replay-options.ts";
import { type AskedEnd, isAsked } from "./asked-ends.ts";
import type { Explanation } from "./explanation.ts";
import { explanationOf } from "./explanation-of.ts";
import { FactCollector } from "./fact-collector.ts";

/** What is asked. */
export interface ExplainOptions {
  readonly from: AskedEnd;
  readonly to?: AskedEnd;
  /** Rows at the most, the latest first. Default 3. */
  readonly limit?: number;
  /** The recording is gone afterwards: what is to be done next is to watch again, not to ask it. Default false. */
  readonly isPassing?: boolean;
  readonly signal?: AbortSignal;
}

/** The answers, and how many rows were asked for in all. */
export interface Explained {
  readonly explanations: readonly Explanation[];
  readonly found: number;
}

interface Row {
  readonly connection: ConnectionJson;
  readonly health: HealthJson;
  readonly isForeign: boolean;
}

/** Legs of passed on connections that are looked through for the other one, the latest. */
const MOST_LEGS = 10_000;

/** Explains rows of a recording (a path, or those of a rotated one in order; read twice, so not a pipe). Errors are those of `replay()`. */
export async function explainRecording(paths: string | readonly string[], options: ExplainOptions): Promise<Explained> {
  const { from, to, limit = 3, isPassing = false, signal } = options;
  const replayOptions: ReplayOptions = signal === undefined ? {} : { signal };
  const rows = new Map<string, Row>();
  const legs = new Map<number, ConnectionJson>();
  for await (const report of replayReports(paths, replayOptions)) {
    for (const view of report.connections()) {
      if (view.via !== undefined) keepLeg(legs, view);
      if (!isAsked(view, from, to)) continue;
      const connection = JSON.parse(JSON.stringify(view)) as ConnectionJson;
      const key = identity(connection);
      rows.delete(key);
      rows.set(key, { connection, health: report.health, isForeign: isUnknown(report.host) });
    }
  }
  const chosen = [...rows.values()].reverse().slice(0, limit);
  const collectors = chosen.map(({ connection }) => new FactCollector(connection));
  for (const collector of collectors) collector.isRecorded = !isPassing;
  if (chosen.length > 0) {
    const each = (tell: (collector: FactCollector) => void): void => {
      for (const collector of collectors) tell(collector);
    };
    await replayTapped(paths, replayOptions, {
      flows: (batch) => each((collector) => collector.flows(batch)),
      sockets: (table) => each((collector) => collector.sockets(table)),
      trace: (batch) => each((collector) => collector.trace(batch)),
      names: (answers, timeMs) => each((collector) => collector.names(answers, timeMs)),
    });
  }
  const explanations = chosen.map(({ connection, health, isForeign }, i): Explanation => {
    return explanationOf(connection, health, collectors[i]!, { since: null, isForeign }, [...legs.values()]);
  });
  return { explanations, found: rows.size };
}

function keepLeg(legs: Map<number, ConnectionJson>, leg: Connection): void {
  legs.delete(leg.id);
  legs.set(leg.id, leg.toJSON());
  if (legs.size > MOST_LEGS) legs.delete(legs.keys().next().value!);
}

/** A connection over several reports. */
function identity({ protocol, from, to, firstSeen }: ConnectionJson): string {
  return [protocol, from.address, from.port, to.address, to.port, firstSeen].join(" ");
}

/** The host of a file that is not a recording of ours: a recording says where it was made. */
function isUnknown({ id, kernelVersion }: HostFacts): boolean {
  return id === UNKNOWN_HOST.id && kernelVersion === UNKNOWN_HOST.kernelVersion;
}
