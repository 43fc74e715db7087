/** `conntrail watch --changes`: what is new of connections, a line of JSON each: first all that live, then each that opens, becomes known otherwise or ends. */
import type { Connection, ConnectionJson, Selection } from "@conntrail/report";
import { type Change, createReporter, type ReporterOptions } from "@conntrail/reporter";
import { writeOut } from "../output.ts";
import { stopSignal } from "../stop-signal.ts";

/** The value of `schema` in the line that begins a picture. */
const SCHEMA = "conntrail.changes/1";

/** Prints changes until a signal, or the first `count` lines of changes; of connections what is selected, or all. A slow reader of the output is told how many changes it lost, and all connections again. */
export async function watchChanges(
  options: ReporterOptions,
  selection: Selection | undefined,
  count: number = Number.POSITIVE_INFINITY,
): Promise<void> {
  // Nobody asks for reports: what is not built costs nothing.
  await using reporter = createReporter({ ...options, intervalMs: 0 });
  stopSignal().addEventListener("abort", () => void reporter.close());
  let left = count;
  for await (const change of reporter.changes()) {
    await print(change, (connection) => selection?.of(connection) ?? connection.toJSON());
    if (change.kind !== "snapshot" && --left <= 0) break;
  }
}

async function print(change: Change, shape: (connection: Connection) => Partial<ConnectionJson>): Promise<void> {
  const time = new Date(change.timeMs).toISOString();
  switch (change.kind) {
    case "snapshot":
      await line({ schema: SCHEMA, change: "snapshot", time, connections: change.length, lost: change.lost });
      for (const connection of change.connections())
        await line({ change: "present", time, connection: shape(connection) });
      return;
    case "gone":
      await line({ change: "gone", time, id: change.id });
      return;
    case "opened":
    case "changed":
    case "closed":
      await line({ change: change.kind, time, members: change.members, connection: shape(change.connection) });
  }
}

function line(value: object): Promise<void> {
  return writeOut(`${JSON.stringify(value)}\n`);
}
