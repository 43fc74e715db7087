/** Parts of `conntrail why` that no package exports, as they were built. */
import type { ConnectionJson, HealthJson, Report } from "@conntrail/report";
import { type Explained, type Explanation, replayReports } from "@conntrail/reporter";

/** The command has no exports: its own file is what is asked. */
export const { whyText } = (await import(new URL("../../packages/cli/dist/encode-why.js", import.meta.url).href)) as {
  readonly whyText: (explained: Explained, terminal: object) => string;
};
/** What a running reporter keeps, and what a replay puts into its pipeline: parts of the package that nobody else needs. */
export const { RecentInputs } = (await import(
  new URL("../../packages/reporter/dist/explain/recent-inputs.js", import.meta.url).href
)) as {
  readonly RecentInputs: new (
    mostBytes: number,
  ) => {
    take(input: never): void;
    explain(row: ConnectionJson, health: HealthJson, names: object, clock: object): Explanation;
  };
};
export const { replayTapped } = (await import(
  new URL("../../packages/reporter/dist/replay/replay.js", import.meta.url).href
)) as { readonly replayTapped: (path: string, options: object, tap: object) => Promise<void> };

/** The sentence about the other leg of a connection that somebody passes on. */
export const { relayNote } = (await import(
  new URL("../../packages/reporter/dist/explain/relay-note.js", import.meta.url).href
)) as { readonly relayNote: (row: ConnectionJson, others?: readonly ConnectionJson[]) => string | undefined };

/** The last report of a recording. */
export async function lastReport(path: string): Promise<Report> {
  let last: Report | undefined;
  for await (const report of replayReports(path)) last = report;
  return last!;
}
