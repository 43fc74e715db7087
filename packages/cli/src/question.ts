/** A question put to reports: which connections, in which order, one by one or in groups. */

import { takeRows } from "@conntrail/model";
import {
  compileFilter,
  compileGroup,
  compileSort,
  type Filter,
  GROUP_SUMS,
  type Grouping,
  type Sort,
  shorthandExpression,
} from "@conntrail/query";
import { type ConnectionMember, type Report, type TableColumn, viewReport } from "@conntrail/report";
import { chosenColumns } from "./chosen-columns.ts";
import { fields } from "./fields.ts";
import type { QuestionOptions } from "./question-options.ts";

/** A question, checked. */
export interface Question {
  readonly filter: Filter | undefined;
  /** Only what began within the window of its report. */
  readonly fresh: boolean;
  readonly sort: Sort | undefined;
  /** Groups instead of connections. */
  readonly grouping: Grouping | undefined;
  readonly groupSort: string | undefined;
  readonly columns: readonly TableColumn[] | undefined;
  /** Members of connections in JSON; undefined: all. */
  readonly select: readonly ConnectionMember[] | undefined;
  readonly limit: number | undefined;
}

/** How a table groups when nobody says: who talks to whom, for which service. */
const PICTURE = "process,service";

/** The question of a command line. `picture`: without a word about it the answer is grouped. `format`: that of the answer. Throws QueryError or RangeError: errors of usage. */
export function askedQuestion(options: QuestionOptions, format: string, picture: boolean): Question {
  const { used, sort, by, each, columns, select, limit } = options;
  if (used?.negate === true)
    throw new RangeError("--not stands before the option that it turns around, and there is none");
  if (by !== undefined && (each === true || columns !== undefined)) {
    throw new RangeError("--by groups connections, --each and --columns list them: say one or the other");
  }
  if (select !== undefined) refuseSelect(format, by);
  const listed = each === true || columns !== undefined;
  const grouping = by ?? (picture && !listed && !isFieldSort(sort) ? PICTURE : undefined);
  const groups = grouping === undefined ? undefined : compileGroup(grouping, fields());
  if (groups !== undefined) groups.sort([], sort);
  return {
    filter: filterOf(options),
    fresh: options.new === true,
    sort: groups === undefined && sort !== undefined ? compileSort(sort, fields()) : undefined,
    grouping: groups,
    groupSort: sort,
    columns: columns === undefined ? undefined : chosenColumns(columns),
    select,
    limit,
  };
}

/** The report without what was not asked for, in the order that was. */
export function answer(report: Report, { filter, fresh, sort, select }: Question): Report {
  if (filter === undefined && sort === undefined && select === undefined && !fresh) return report;
  const raw = select === undefined ? report.raw : { ...report.raw, select };
  const wanted = filter?.rows(raw) ?? Uint32Array.from({ length: report.length }, (_, row) => row);
  const all = fresh ? wanted.filter((row) => raw.columns.firstSeenMs[row]! >= raw.window.startMs) : wanted;
  const rows = sort === undefined ? all : sort.rows(raw, all);
  return viewReport({ ...raw, columns: takeRows(raw.columns, rows) });
}

/** Throws RangeError where there is no JSON of connections. */
function refuseSelect(format: string, by: string | undefined): void {
  if (by !== undefined)
    throw new RangeError("--select chooses members of connections, --by groups them: say one or the other");
  if (format === "json" || format === "ndjson") return;
  const instead = format === "table" ? "; of a table, --columns chooses the columns" : "";
  throw new RangeError(`--select chooses members of JSON (--format json, ndjson), not of --format ${format}${instead}`);
}

/** All filters of a command line as one: those of `--filter` either, and with them every shorthand. */
function filterOf({ filter = [], used }: QuestionOptions): Filter | undefined {
  const written = filter.map((each) => `(${each})`).join(" || ");
  const short = used === undefined ? undefined : shorthandExpression(used.all);
  const parts = [written === "" ? undefined : `(${written})`, short].filter((each) => each !== undefined);
  return parts.length === 0 ? undefined : compileFilter(parts.join(" && "), fields());
}

/** True for an order that connections have and groups have not: it asks for a list. */
function isFieldSort(sort: string | undefined): boolean {
  const [word = ""] = (sort ?? "").split(/[:,]/);
  return fields().get(word) !== undefined && word !== "service" && !(GROUP_SUMS as readonly string[]).includes(word);
}
