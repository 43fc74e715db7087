/** A row of a store, as a number that only the store can read (row-block.ts). Rows are passed about in place of objects. */

declare const row: unique symbol;

/** A row: it stays the same for as long as the row lives, and may be given to another afterwards. */
export type Row = number & { readonly [row]: never };

/** What stands where there is no row. */
export const NO_ROW: Row = 0 as Row;
