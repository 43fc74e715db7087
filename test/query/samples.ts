/** The samples as one report each, and the same as JSON: what questions are tried on. */
import { fileURLToPath } from "node:url";
import type { ConnectionJson, Report } from "@conntrail/report";
import { replayReports } from "@conntrail/reporter";

/** A report twice: as columns, and as a program that reads the JSON has it. */
export interface Sample {
  readonly report: Report;
  readonly connections: readonly ConnectionJson[];
}

const read = new Map<string, Promise<Sample>>();

/** Where a recording of samples/ lies. */
export function samplePath(name: string): string {
  return fileURLToPath(new URL(`../../samples/${name}`, import.meta.url));
}

/** One report of a whole recording of samples/; it is read once. */
export function sample(name: string): Promise<Sample> {
  const known = read.get(name) ?? readSample(name);
  read.set(name, known);
  return known;
}

async function readSample(name: string): Promise<Sample> {
  for await (const report of replayReports(samplePath(name), { reports: "end" })) {
    const { connections } = JSON.parse(JSON.stringify(report)) as { connections: ConnectionJson[] };
    return { report, connections };
  }
  throw new Error(`${name} has no report`);
}
