/** A filter: an expression that was checked once and then says of each connection whether it belongs. */
import { columnSource, jsonSource } from "./bound.ts";
import { compile } from "./compile.ts";
import { parseExpression } from "./expression.ts";
import { Fields } from "./fields.ts";
import type { Table } from "./table.ts";

/** A compiled filter. */
export interface Filter {
  readonly text: string;
  /** True for a connection as JSON, or as a view of the library. */
  matches(connection: object): boolean;
  /** The rows that belong, in their order. */
  rows(table: Table): Uint32Array;
}

/** Compiles an expression such as `to.port == 8080 && nat != null`. Throws QueryError, which names the column and the nearest right word. */
export function compileFilter(text: string, fields: Fields = new Fields()): Filter {
  const term = compile(parseExpression(text), fields);
  const ofJson = term.bind(jsonSource);
  return {
    text,
    matches: (connection) => ofJson(connection) === true,
    rows(table) {
      const holds = term.bind(columnSource(table));
      const rows = new Uint32Array(table.columns.length);
      let found = 0;
      for (let row = 0; row < rows.length; row++) if (holds(row) === true) rows[found++] = row;
      return rows.subarray(0, found);
    },
  };
}
