/** /proc/uptime: proc_uptime(5). */
import { ParseError } from "./errors.ts";
import { readText } from "./read-file.ts";

/** Seconds since boot; `undefined` without the file. Throws OpError, ParseError. */
export function readUptime(root: string): number | undefined {
  const text = readText(`${root}/uptime`);
  return text === undefined ? undefined : parseUptime(text);
}

/** The first of the file's two numbers. Throws ParseError. */
export function parseUptime(text: string): number {
  const digits = /^(\d+(?:\.\d+)?)\s/.exec(text)?.[1];
  if (digits === undefined) throw new ParseError("bad-number", "uptime", "uptime", text);
  return Number(digits);
}
