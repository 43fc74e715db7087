/**
 * One precedence for every option: the command line, then the environment (`CONNTRAIL_SCAN_INTERVAL`), then the configuration file
 * (`scan-interval = "1s"`), then the default. Whatever the source, the option's own parser reads the text.
 */
import { type Command, InvalidArgumentError, type Option } from "commander";
import { closest } from "fastest-levenshtein";
import { isGathering } from "../one-of.ts";
import { type ConfigFile, type ConfigTable, readConfigFile, tablesFor } from "./config-file.ts";

/** Only on the command line: where a word stands matters to the one, the others end before anything is read. */
const COMMAND_LINE_ONLY = new Set(["not", "version", "help"]);

/** Names the file; not in it. */
const CONFIG = "config";

/** Makes a program heed them: call it when all commands are there, before other hooks that read options. */
export function heedSettings(program: Command): void {
  // Commander looks for what must be given before the settings are known: that is done here instead.
  const mandatory = new Set<Option>();
  for (const option of commandsOf(program).flatMap(({ options }) => options)) {
    if (option.mandatory) mandatory.add(option);
    option.mandatory = false;
  }
  program.hook("preAction", (_, action) => {
    try {
      settle(program, action);
    } catch (error) {
      if (error instanceof RangeError) action.error(`error: ${error.message}`);
      throw error;
    }
    const missing = action.options.find((option) => mandatory.has(option) && readValue(action, option) === undefined);
    if (missing !== undefined) action.error(`error: required option '${missing.flags}' not specified`);
  });
}

/** The name of an option in a file: `scan-interval`; of `--no-names` it is `names`. */
function settingName(option: Option): string {
  return option.long!.slice("--".length).replace(/^no-/, "");
}

/** The variable of an option. */
export function variableName(option: Option): string {
  return `CONNTRAIL_${settingName(option).toUpperCase().replaceAll("-", "_")}`;
}

/** True for an option that can be set by a variable; all but `--config` also in a file. */
export function isSetting(option: Option): boolean {
  return option.long !== undefined && !COMMAND_LINE_ONLY.has(settingName(option));
}

function settle(program: Command, action: Command): void {
  const file = readConfigFile(configPath(program), process.env);
  if (file !== undefined) refuseUnknown(program, file);
  const tables = file === undefined ? [] : tablesFor(file, pathOf(action));
  for (let command: Command | null = action; command !== null; command = command.parent) {
    for (const option of command.options.filter(isSetting)) {
      const source = command.getOptionValueSource(option.attributeName());
      if (source !== undefined && source !== "default") continue;
      const variable = process.env[variableName(option)];
      if (variable !== undefined && variable !== "") {
        set(command, option, fromEnvironment(option, variable), variableName(option), "env");
        continue;
      }
      const name = settingName(option);
      const table = name === CONFIG ? undefined : tables.find((each) => isTold(each[name]));
      if (table !== undefined) set(command, option, listed(table[name]), `${file!.path}: ${name}`, "config");
    }
  }
}

function configPath(program: Command): string | undefined {
  const path = (program.opts()[CONFIG] as string | undefined) ?? process.env.CONNTRAIL_CONFIG;
  return path === "" ? undefined : path;
}

/** A list of values is separated by commas; an expression may hold some. */
function fromEnvironment(option: Option, text: string): unknown[] {
  return isGathering(option) ? text.split(",").map((each) => each.trim()) : [text];
}

function listed(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

/** A table is a command's, no value. */
function isTold(value: unknown): boolean {
  return value !== undefined && (typeof value !== "object" || Array.isArray(value) || value instanceof Date);
}

function set(command: Command, option: Option, values: readonly unknown[], where: string, source: string): void {
  if (option.isBoolean() || option.negate) {
    command.setOptionValueWithSource(option.attributeName(), switched(values, where), source);
    return;
  }
  let value: unknown;
  for (const each of values) {
    if (typeof each === "object") throw new RangeError(`${where}: expected a text, got ${JSON.stringify(each)}`);
    const text = String(each);
    try {
      value = option.parseArg === undefined ? text : option.parseArg(text, value as never);
    } catch (error) {
      if (error instanceof InvalidArgumentError) throw new RangeError(`${where}: ${error.message}`);
      throw error;
    }
  }
  command.setOptionValueWithSource(option.attributeName(), value, source);
}

function switched(values: readonly unknown[], where: string): boolean {
  const [value] = values;
  const text = String(value).toLowerCase();
  if (values.length === 1 && ["true", "1", "yes", "on"].includes(text)) return true;
  if (values.length === 1 && ["false", "0", "no", "off"].includes(text)) return false;
  throw new RangeError(`${where}: expected true or false, got ${JSON.stringify(values.length === 1 ? value : values)}`);
}

function readValue(command: Command, option: Option): unknown {
  return command.getOptionValue(option.attributeName()) as unknown;
}

/** A word that no command knows is a typo, and would be silence. */
function refuseUnknown(program: Command, { path, table }: ConfigFile): void {
  const refuse = (name: string, known: readonly string[], what: string): never => {
    throw new RangeError(`${path}: there is no ${what} "${name}"; did you mean "${closest(name, known)}"?`);
  };
  const check = (command: Command, inner: ConfigTable, options: readonly string[]): void => {
    const names = command.commands.map((each) => each.name());
    for (const [name, value] of Object.entries(inner)) {
      if (isTold(value)) {
        if (!options.includes(name)) refuse(name, options, "option");
        continue;
      }
      const named = command.commands.find((each) => each.name() === name);
      if (named === undefined) refuse(name, names.length === 0 ? options : names, "command");
      else check(named, value as ConfigTable, [...settingsOf(commandsOf(named)), ...settingsOf([program])]);
    }
  };
  check(program, table, settingsOf(commandsOf(program)));
}

function settingsOf(commands: readonly Command[]): string[] {
  const options = commands.flatMap((command) => command.options.filter(isSetting));
  return [...new Set(options.map(settingName))].filter((name) => name !== CONFIG);
}

/** A command and all below it. */
function commandsOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(commandsOf)];
}

function pathOf(command: Command): string[] {
  return command.parent === null ? [] : [...pathOf(command.parent), command.name()];
}
