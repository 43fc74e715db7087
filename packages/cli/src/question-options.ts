/** The options by which `report`, `watch` and `replay` are asked for less: filters, shorthands, order, groups, a limit. */
import { compileFilter, isQueryError, SHORTHANDS, type Shorthand, type UsedShorthand } from "@conntrail/query";
import { CONNECTION_MEMBERS, type ConnectionMember } from "@conntrail/report";
import { type Command, InvalidArgumentError, Option } from "commander";
import { closest } from "fastest-levenshtein";
import { fields } from "./fields.ts";
import { parseCount } from "./units.ts";

/** What commander parses out of them. The shorthands are in `used`, in the order in which they stood. */
export interface QuestionOptions {
  readonly filter?: readonly string[];
  readonly used?: UsedShorthands;
  readonly sort?: string;
  readonly columns?: string;
  readonly select?: readonly ConnectionMember[];
  readonly by?: string;
  readonly each?: boolean;
  readonly new?: boolean;
  readonly limit?: number;
}

/** The shorthands of one command line. */
class UsedShorthands {
  readonly all: UsedShorthand[] = [];
  /** `--not` stood before the next one. */
  negate = false;
}

/** Adds them to a command. */
export function addQuestionOptions(command: Command): Command {
  const used = new UsedShorthands();
  command.setOptionValue("used", used);
  command
    .optionsGroup("What to show (the same option twice: either; different ones: all of them):")
    .addOption(
      new Option(
        "--filter <expression>",
        "connections for which this holds, e.g. 'to.port == 8080 && nat != null'",
      ).argParser((text: string, before: string[] = []) => [
        ...before,
        checked(() => compileFilter(text, fields()).text),
      ]),
    )
    .option("--not", "turn the next of the following around");
  command.on("option:not", () => {
    used.negate = true;
  });
  for (const shorthand of SHORTHANDS) command.addOption(shorthandOption(shorthand, used));
  return command
    .option("--new", "connections that began within the window of their report")
    .option("--limit <n>", "at most this many, the heaviest, and how many were left out", parseCount)
    .option("--sort <field>", "order by a field, e.g. bytes or firstSeen:asc; of groups also by connections, failed, …")
    .option(
      "--by <fields>",
      "group, e.g. process,service or to.address; process, container, name and address make pairs",
    )
    .option("--each", "list connections, not groups")
    .option("--columns <fields>", "columns of the list of connections, by field, e.g. from.process,to.address,bytes")
    .option(
      "--select <members>",
      "members of each connection in JSON, e.g. from.process,to,state; id is always there",
      members,
    );
}

function shorthandOption({ name, value, about, expression }: Shorthand, used: UsedShorthands): Option {
  return new Option(`--${name} <${value}>`, about).argParser((text: string) => {
    checked(() => compileFilter(expression(text), fields()).text);
    used.all.push({ name, value: text, not: used.negate });
    used.negate = false;
    return text;
  });
}

/** Parses `from.process,to`. */
function members(text: string): ConnectionMember[] {
  return text.split(",").map((part) => oneMember(part.trim()));
}

function oneMember(name: string): ConnectionMember {
  const found = CONNECTION_MEMBERS.find((member) => member === name);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(
    `Connections have no member "${name}" in JSON. Did you mean "${closest(name, CONNECTION_MEMBERS)}"?`,
  );
}

/** A wrong question is wrong usage. */
function checked<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    throw isQueryError(error) ? new InvalidArgumentError(error.message) : error;
  }
}
