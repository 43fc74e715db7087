/** Some rows of a report, as columns of their own: what a filter, an order or a limit leaves. */
import { ADDRESS_WORDS } from "./address.ts";
import type { ConnectionColumns } from "./connection-columns.ts";

/** The rows given, in the order given: new columns, nothing shared. */
export function takeRows(columns: ConnectionColumns, rows: Uint32Array): ConnectionColumns {
  const taken = Object.entries(columns).map(([name, column]) => [
    name,
    typeof column === "number"
      ? rows.length
      : takeColumn(column as Column, rows, ADDRESSES.has(name) ? ADDRESS_WORDS : 1),
  ]);
  return Object.fromEntries(taken) as ConnectionColumns;
}

const ADDRESSES = new Set(["originalSource", "originalDestination", "replySource", "replyDestination"]);

type Column = Uint8Array | Uint16Array | Uint32Array | Float64Array;

function takeColumn(column: Column, rows: Uint32Array, width: number): Column {
  const taken = new (column.constructor as new (length: number) => Column)(rows.length * width);
  for (let i = 0; i < rows.length; i++) {
    for (let word = 0; word < width; word++) taken[i * width + word] = column[rows[i]! * width + word]!;
  }
  return taken;
}
