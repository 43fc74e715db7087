/** `conntrail doctor`: what reports need here, found or missing, with what is lost without it and what mends it. */
import { type Check, type Diagnosis, diagnose } from "@conntrail/doctor";
import { printable } from "@conntrail/model";
import { fold, painter, type Style } from "@conntrail/report";
import type { CollectionOptions } from "../collection-options.ts";
import type { DiagnosisFormat } from "../formats.ts";
import { writeOut } from "../output.ts";
import { terminal } from "../terminal.ts";

/** What commander parses for it. */
export interface DoctorCommandOptions extends CollectionOptions {
  readonly format?: DiagnosisFormat;
}

/** Prints the diagnosis. Resolves to the exit code: 1 when something that was asked for cannot work. */
export async function runDoctor(options: DoctorCommandOptions): Promise<number> {
  const diagnosis = await diagnose(doctorOptions(options));
  const json = (options.format ?? "text") === "json";
  await writeOut(json ? `${JSON.stringify(diagnosis, null, 2)}\n` : diagnosisText(diagnosis));
  return diagnosis.works ? 0 : 1;
}

/** What a command asks for, as the doctor takes it. */
export function doctorOptions(options: CollectionOptions): Parameters<typeof diagnose>[0] {
  const { conntrack, sockets, processes, trace, names, namespaces, nameServer, receiveBuffer, containerApi } = options;
  return {
    ...{ conntrack, sockets, processes, trace, names, namespaces },
    ...(nameServer !== undefined && { nameServers: nameServer }),
    ...(containerApi !== undefined && { containerApi }),
    ...(receiveBuffer !== undefined && { receiveBuffer }),
  };
}

const COLOR: Readonly<Record<Check["state"], Style>> = {
  ok: "green",
  limited: "yellow",
  missing: "red",
  unknown: "yellow",
  off: "dim",
};

const STATE_CELLS = 9;
const INDENT = " ".repeat(STATE_CELLS);

function diagnosisText(diagnosis: Diagnosis): string {
  const { host, kernel, netns, netnsName, checks, works } = diagnosis;
  const { color, columns } = terminal();
  const paint = painter(color === true);
  const title = `What reports need on ${printable(host)}, network namespace ${netnsName ?? netns ?? "unknown"}, Linux ${kernel}`;
  const lines = fold(title, columns, 2).map((line) => paint("bold", line));
  const told = new Map<string, string>();
  for (const { title: what, state, found, lost, mend } of checks) {
    const [first, ...more] = fold(`${state.padEnd(STATE_CELLS)}${what}: ${printable(found)}`, columns, STATE_CELLS);
    lines.push(first!.replace(state, paint(COLOR[state], state)), ...more);
    if (lost !== null) lines.push(...fold(`${INDENT}lost: ${lost}`, columns, STATE_CELLS));
    if (mend === null) continue;
    // In one piece, to be copied; once.
    const before = told.get(mend);
    lines.push(`${INDENT}mend: ${before === undefined ? mend : `as for ${before}`}`);
    if (before === undefined) told.set(mend, what);
  }
  lines.push("", works ? "Nothing that was asked for is out of reach." : unworkable(checks));
  return `${lines.join("\n")}\n`;
}

function unworkable(checks: readonly Check[]): string {
  const missing = checks.filter(({ state }) => state === "missing").map(({ title }) => title);
  return `${missing.length} of what was asked for cannot work: ${missing.join(", ")}.`;
}
