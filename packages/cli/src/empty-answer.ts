/** Two lines in place of nothing: why an answer has no rows, and what to do about it. */
import { formatDuration, type Report } from "@conntrail/report";
import type { CollectionOptions } from "./collection-options.ts";

/** The lines for an answer of no rows to a question put to `report`; undefined when there is something to show. */
export async function emptyAnswer(
  report: Report,
  shown: number,
  options: CollectionOptions,
): Promise<readonly [string, string] | undefined> {
  if (shown > 0) return undefined;
  if (report.length > 0) {
    const seen =
      report.length === 1 ? "The one connection seen is not" : `Of ${report.length} connections seen none is`;
    return [`${seen} what was asked for.`, "All of them: conntrail report --each, without a filter."];
  }
  const { startMs, endMs } = report.raw.window;
  const seen = `No connection was seen in ${formatDuration(endMs - startMs)}`;
  const [{ diagnose }, { doctorOptions }] = await Promise.all([
    import("@conntrail/doctor"),
    import("./commands/doctor.ts"),
  ]);
  const { checks } = await diagnose({ ...doctorOptions(options), names: false });
  // What others lack because of it explains more than what it lacks itself.
  const cause = ["tracking", "events", "capability.net-admin", "ctnetlink"]
    .map((id) => checks.find((check) => check.id === id))
    .find((check) => check?.state === "missing");
  if (cause !== undefined) {
    return [
      `${seen}. Missing: ${cause.title}, ${cause.found}.`,
      `mend: ${cause.mend ?? "conntrail doctor tells more."}`,
    ];
  }
  const unknown = checks.find(({ id, state }) => id === "tracking" && state === "unknown");
  if (unknown !== undefined) {
    return [
      `${seen}, and it cannot be told whether any is tracked: ${unknown.found}.`,
      `mend: ${unknown.mend ?? "conntrail doctor tells more."}`,
    ];
  }
  return [
    `${seen}, and what was asked for works: nothing talks in this network namespace.`,
    "Longer: conntrail report --window 1m. What is looked at: conntrail doctor.",
  ];
}
