/** Questions about connections: filters, orders, groups, over the report's own field names. Pure: the same in the command, the worker, the page and a replay. */
export { isQueryError, QueryError, type QueryErrorCode } from "./errors.ts";
export { type Field, Fields } from "./fields.ts";
export { compileFilter, type Filter } from "./filter.ts";
export { compileGroup, GROUP_SUMS, type Group, type Grouping } from "./group.ts";
export { parseServices, type Services } from "./services.ts";
export { SHORTHANDS, type Shorthand, shorthandExpression, type UsedShorthand } from "./shorthands.ts";
export { compileSort, type Sort } from "./sort.ts";
export type { List, Table } from "./table.ts";
export type { Kind, Value } from "./value.ts";
