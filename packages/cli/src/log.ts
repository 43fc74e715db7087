/** What the reporter says of itself, a line each on standard error, from a level on. */
import { printable } from "@conntrail/model";
import type { Logger } from "@conntrail/reporter";

/** Levels, from silence to everything. */
export const LOG_LEVELS = ["silent", "error", "warn", "info"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

let chosen: LogLevel = "error";

/** Says from which level on lines are written. */
export function chooseLogLevel(level: LogLevel): void {
  chosen = level;
}

/** The logger of the command. */
export const commandLogger: Logger = {
  info: (facts, message) => write("info", facts, message),
  warn: (facts, message) => write("warn", facts, message),
  error: (facts, message) => write("error", facts, message),
};

function write(level: LogLevel, facts: object, message: string): void {
  if (LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(chosen)) return;
  const told = Object.entries(facts).map(([name, value]) => ` ${name}=${word(value)}`);
  process.stderr.write(`conntrail: ${level}: ${printable(message)}${told.join("")}\n`);
}

function word(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(printable(value.message));
  return typeof value === "string" ? JSON.stringify(printable(value)) : String(JSON.stringify(value));
}
