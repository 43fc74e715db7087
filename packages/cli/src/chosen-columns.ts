/** Columns of a table that were chosen by their fields. */
import { printable } from "@conntrail/model";
import { QueryError } from "@conntrail/query";
import { formatBytes, type TableColumn } from "@conntrail/report";
import { closest } from "fastest-levenshtein";
import { fields } from "./fields.ts";

/** The columns for `from.process,to.address,bytes`. Throws QueryError for a field that is none. */
export function chosenColumns(text: string): TableColumn[] {
  let column = 1;
  return text.split(",").map((part) => {
    const path = part.trim();
    const field = fields().get(path);
    if (field === undefined || field.kind === "part") {
      throw new QueryError(
        "unknown-field",
        column,
        `there is no field "${path}"; did you mean "${closest(path, fields().paths)}"?`,
      );
    }
    column += part.length + 1;
    const isBytes = path.endsWith("bytes");
    return {
      title: path.toUpperCase(),
      alignRight: field.kind === "number",
      dropOrder: undefined,
      usual: undefined,
      cell: (connection) => {
        const value = fields().read(path, connection);
        if (value === null) return "";
        if (isBytes && typeof value === "number") return formatBytes(value);
        return printable(Array.isArray(value) ? value.join(" ") : String(value));
      },
    };
  });
}
