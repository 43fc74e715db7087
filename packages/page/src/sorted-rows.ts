/** Rows in the order that a column asks for: values are read once a row, not once a comparison. */
import type { Fields } from "@conntrail/query";
import type { Row } from "./row.ts";

/** The rows, by a field, the largest first; as they came without one. Rows of equal rank keep their order. */
export function sortedRows(rows: readonly Row[], sort: string, fields: Fields): readonly Row[] {
  if (sort === "" || fields.get(sort) === undefined) return rows;
  const keyed = rows.map((row, place) => ({ row, place, value: fields.read(sort, row.c) as string | number | null }));
  keyed.sort((a, b) => {
    if (a.value === b.value) return a.place - b.place;
    if (a.value === null || b.value === null) return a.value === null ? 1 : -1;
    return a.value < b.value ? 1 : -1;
  });
  return keyed.map(({ row }) => row);
}
