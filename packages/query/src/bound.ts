/** Where an expression's rows come from: columns by number, or connections as JSON. One expression runs over both. */
import type { Field } from "./fields.ts";
import type { Network } from "./network-test.ts";
import type { Table } from "./table.ts";
import type { Value } from "./value.ts";

/** How to read fields of rows of type R. */
export interface Source<R> {
  value(field: Field): (row: R) => Value;
  inNetwork(field: Field, network: Network): (row: R) => boolean;
}

/** Rows of columns. */
export function columnSource(table: Table): Source<number> {
  return {
    value: (field) => (row) => field.read(table, row),
    inNetwork: (field, network) => {
      if (field.words4 === undefined) return (row) => network.hasText(field.read(table, row));
      const words = field.words4(table.columns);
      return (row) => network.hasWords(words, row * 4);
    },
  };
}

/** A connection as JSON, or as a view of the library: what has the members of the contract. */
export const jsonSource: Source<object> = {
  value: (field) => jsonReader(field),
  inNetwork: (field, network) => {
    const read = jsonReader(field);
    return (row) => network.hasText(read(row));
  },
};

/** A field's value in a connection as JSON. */
export function readJson(field: Field, row: object): Value {
  return jsonReader(field)(row);
}

function jsonReader({ path, derive, kind, absent = null }: Field): (row: object) => Value {
  if (derive !== undefined) return (row) => derive((of) => member(row, of.split(".")) as Value);
  const steps = path.split(".");
  if (kind === "part") return (row) => (member(row, steps) == null ? null : steps.at(-1)!);
  return (row) => (member(row, steps) ?? absent) as Value;
}

function member(row: object, steps: readonly string[]): unknown {
  let value: unknown = row;
  for (const step of steps) {
    if (value === null || value === undefined) return null;
    value = (value as Record<string, unknown>)[step];
  }
  return value ?? null;
}
