/** The soak's result as text. */
import type { SoakResult } from "./run-soak.ts";
import type { Verdict } from "./verdict.ts";

/** Whether the soak found nothing. What cannot be told is nothing found. */
export function isPassed({ failures, verdicts }: Pick<SoakResult, "failures" | "verdicts">): boolean {
  return failures.length === 0 && verdicts.every(({ judgement }) => judgement !== "grows");
}

/** A few lines for people. */
export function formatSummary(result: SoakResult): string {
  const { minutes, rounds, faults, compared, told, overruns, restarts, failures, verdicts } = result;
  const done = Object.entries(faults).map(([name, count]) => `${count} × ${name}`);
  const anew = Object.entries(restarts).map(([part, count]) => `${part} ${count}`);
  const lines = [
    `${minutes.toFixed(1)} minutes, ${rounds} rounds of faults: ${done.join(", ") || "none"}`,
    `${overruns} overruns, started anew: ${anew.join(", ")}; told: ${JSON.stringify(told)}`,
    `at the end ${compared.rows} connections against ${compared.entries} entries and ${compared.sockets} sockets of the kernel`,
    "",
    ...verdicts.map(verdictLine),
    "",
    ...(failures.length === 0 ? ["nothing else went wrong"] : failures.map((failure) => `WRONG: ${failure}`)),
    isPassed(result) ? "passed" : "FAILED",
  ];
  return `${lines.join("\n")}\n`;
}

function verdictLine({ name, unit, judgement, slope, allowedPerHour, first, last, points }: Verdict): string {
  const number = (value: number): string => (Number.isFinite(value) ? value.toFixed(1) : "?");
  const between = `${number(slope.low)} to ${number(slope.high)} ${unit}`.trim();
  return `${name.padEnd(34)} ${judgement.padEnd(11)} ${number(first)} → ${number(last)} ${unit}, ${between} an hour (allowed ${allowedPerHour}), ${points} points`;
}
