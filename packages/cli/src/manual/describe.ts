/** The command line as data: what `--help` says, for the manual page and for the shells. */
import type { Command, Option } from "commander";
import { choicesOf } from "../one-of.ts";
import { isSetting, variableName } from "../settings/heed-settings.ts";

/** A command, its options, and those below it. */
export interface CommandFacts {
  /** `store query`; empty for the program. */
  readonly name: string;
  readonly about: string;
  /** `<file...>` */
  readonly usage: string;
  readonly takesFile: boolean;
  readonly arguments: readonly { readonly name: string; readonly about: string }[];
  readonly options: readonly OptionFacts[];
  readonly commands: readonly CommandFacts[];
}

/** An option. */
export interface OptionFacts {
  readonly short: string | undefined;
  readonly long: string;
  /** `<duration>`; undefined for a switch. */
  readonly value: string | undefined;
  readonly about: string;
  readonly group: string;
  readonly choices: readonly string[];
  readonly variable: string | undefined;
}

/** Describes a program. */
export function describe(command: Command, path: readonly string[] = []): CommandFacts {
  const help = command.createHelp();
  const inner = command.commands.filter((each) => !(each as unknown as { _hidden?: boolean })._hidden);
  return {
    name: path.join(" "),
    about: command.description(),
    usage: command.registeredArguments
      .map((each) => (each.required ? `<${each.name()}${each.variadic ? "..." : ""}>` : `[${each.name()}]`))
      .join(" "),
    takesFile: command.registeredArguments.some((each) => each.name() === "file"),
    arguments: command.registeredArguments.map((each) => ({ name: each.name(), about: each.description })),
    options: help.visibleOptions(command).map((option) => optionFacts(option, help.optionDescription(option))),
    commands: inner.map((each) => describe(each, [...path, each.name()])),
  };
}

function optionFacts(option: Option, about: string): OptionFacts {
  const [value] = /<[^>]+>/.exec(option.flags) ?? [];
  return {
    short: option.short,
    long: option.long!,
    value,
    about,
    group: option.helpGroupHeading ?? "Options:",
    choices: choicesOf(option) ?? [],
    variable: isSetting(option) ? variableName(option) : undefined,
  };
}
