/** Counters that a double does not hold, digit by digit (model's exact-record.ts). */
import { EXACT_COUNTERS } from "@conntrail/model";
import type { RawReport } from "./raw-report.ts";

/** Packets and bytes as decimal digits. */
export interface ExactJson {
  readonly original: { readonly packets: string; readonly bytes: string };
  readonly reply: { readonly packets: string; readonly bytes: string };
}

/** Undefined for a row whose counters are exact as numbers. */
export function exactJson({ columns, exact }: RawReport, row: number): ExactJson | undefined {
  const place = columns.exact[row]!;
  const at = (place - 1) * EXACT_COUNTERS;
  if (place === 0 || exact === undefined || at >= exact.length) return undefined;
  const digits = (counter: number): string => String(exact[at + counter]!);
  return {
    original: { packets: digits(0), bytes: digits(1) },
    reply: { packets: digits(2), bytes: digits(3) },
  };
}
