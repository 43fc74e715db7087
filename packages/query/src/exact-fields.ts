/** The fields of counters that a double does not hold: their digits, as text. */
import { EXACT_COUNTERS } from "@conntrail/model";
import { field, type Read } from "./end-fields.ts";
import type { Field } from "./fields.ts";

/** They are null where the numbers are exact. */
export function exactFields(): Field[] {
  const digits =
    (counter: number): Read =>
    ({ columns, exact }, row) => {
      const place = columns.exact[row]!;
      const value = place === 0 ? undefined : exact?.[(place - 1) * EXACT_COUNTERS + counter];
      return value === undefined ? null : String(value);
    };
  const part =
    (name: string): Read =>
    (table, row) =>
      digits(0)(table, row) === null ? null : name;
  return [
    field("counters.exact", "part", "the counters' digits, where one is beyond 2^53", part("exact")),
    field("counters.exact.original", "part", "digits of what the opener sent", part("original")),
    field("counters.exact.original.packets", "text", "digits of the packets from the opener", digits(0)),
    field("counters.exact.original.bytes", "text", "digits of the bytes from the opener", digits(1)),
    field("counters.exact.reply", "part", "digits of what the server sent", part("reply")),
    field("counters.exact.reply.packets", "text", "digits of the packets from the server", digits(2)),
    field("counters.exact.reply.bytes", "text", "digits of the bytes from the server", digits(3)),
  ];
}
