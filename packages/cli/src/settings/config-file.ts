/** The configuration file: TOML (toml.io), options by their names without dashes; a table for what only one command is told. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";

/** What a file says, by option; tables of commands within. */
export type ConfigTable = Readonly<Record<string, unknown>>;

/** A file that was read. */
export interface ConfigFile {
  readonly path: string;
  readonly table: ConfigTable;
}

/** Places where a file may be, the first one counts. */
function usualPlaces(environment: NodeJS.ProcessEnv): string[] {
  const { XDG_CONFIG_HOME, HOME } = environment;
  const own = XDG_CONFIG_HOME || (HOME ? join(HOME, ".config") : undefined);
  return [...(own === undefined ? [] : [join(own, "conntrail/config.toml")]), "/etc/conntrail/config.toml"];
}

/** Reads the file named, else the first of the usual ones; undefined where there is none. Throws RangeError for one that cannot be read or is no TOML. */
export function readConfigFile(named: string | undefined, environment: NodeJS.ProcessEnv): ConfigFile | undefined {
  for (const path of named === undefined ? usualPlaces(environment) : [named]) {
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (named === undefined && (code === "ENOENT" || code === "ENOTDIR" || code === "EACCES")) continue;
      throw new RangeError(`${path}: ${message}`);
    }
    try {
      return { path, table: parse(text) };
    } catch (error) {
      const [first = ""] = (error as Error).message.split("\n");
      throw new RangeError(`${path}: ${first}`);
    }
  }
  return undefined;
}

/** What a file says of one command: its own tables, the innermost first, then what is said to all. `path`: `["store", "query"]`. */
export function tablesFor({ table }: ConfigFile, path: readonly string[]): ConfigTable[] {
  const tables = [table];
  for (const name of path) {
    const inner = tables[0]![name];
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) break;
    tables.unshift(inner as ConfigTable);
  }
  return tables;
}
