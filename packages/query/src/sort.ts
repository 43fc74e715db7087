/** The order of rows: by a field, the heaviest first. */
import { columnSource, jsonSource, type Source } from "./bound.ts";
import { didYouMean, QueryError } from "./errors.ts";
import { type Field, Fields } from "./fields.ts";
import type { Table } from "./table.ts";
import { compareValues, type Value } from "./value.ts";

/** An order. Rows of equal rank keep their order; what has no value comes last. */
export interface Sort {
  readonly text: string;
  /** The rows of a table, sorted in place. */
  rows(table: Table, rows: Uint32Array): Uint32Array;
  compare(a: object, b: object): number;
}

/**
 * Compiles `bytes`, `to.port:desc` or `state,firstSeen:asc`. Without a word, numbers and times go from the largest down, all else
 * from a to z. Throws QueryError.
 */
export function compileSort(text: string, fields: Fields = new Fields()): Sort {
  const keys = parseKeys(text, fields);
  const ofJson = comparator(keys, jsonSource);
  return {
    text,
    compare: ofJson,
    rows(table, rows) {
      const compare = cached(keys, table, rows);
      return rows.sort(compare);
    },
  };
}

interface Key {
  readonly field: Field;
  /** 1: upwards, -1: downwards. */
  readonly sign: number;
}

function parseKeys(text: string, fields: Fields): Key[] {
  let column = 1;
  return text.split(",").map((part) => {
    const [path, word, ...rest] = part.split(":");
    const field = fields.get(path!.trim());
    if (field === undefined || field.kind === "part") {
      throw new QueryError("unknown-field", column, `there is no field "${path}"${didYouMean(path!, fields.paths)}`);
    }
    const falls = field.kind === "number" || field.kind === "time";
    if (rest.length > 0 || (word !== undefined && word !== "asc" && word !== "desc")) {
      throw new QueryError(
        "syntax",
        column + path!.length + 1,
        `expected asc or desc, got "${[word, ...rest].join(":")}"`,
      );
    }
    column += part.length + 1;
    return { field, sign: (word ?? (falls ? "desc" : "asc")) === "asc" ? 1 : -1 };
  });
}

function comparator<R>(keys: readonly Key[], source: Source<R>): (a: R, b: R) => number {
  const readers = keys.map(({ field, sign }) => ({ sign, read: source.value(field) }));
  return (a, b) => {
    for (const { sign, read } of readers) {
      const rank = compareKeys(read(a), read(b), sign);
      if (rank !== 0) return rank;
    }
    return 0;
  };
}

/** What has no value stands last whichever way the rest goes. */
function compareKeys(a: Value, b: Value, sign: number): number {
  return a === null || b === null ? compareValues(a, b) : sign * compareValues(a, b);
}

/** Values are read once a row, not once a comparison. */
function cached(keys: readonly Key[], table: Table, rows: Uint32Array): (a: number, b: number) => number {
  const source = columnSource(table);
  const columns = keys.map(({ field, sign }) => {
    const read = source.value(field);
    const values = new Map<number, Value>();
    for (const row of rows) values.set(row, read(row));
    return { sign, values };
  });
  return (a, b) => {
    for (const { sign, values } of columns) {
      const rank = compareKeys(values.get(a)!, values.get(b)!, sign);
      if (rank !== 0) return rank;
    }
    return a - b;
  };
}
