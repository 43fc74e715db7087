/** The manual page, in the man(7) macros of roff, of the same facts as `--help`. */
import type { CommandFacts, OptionFacts } from "./describe.ts";

/** The page as roff. `examples`: what `--help` says after the options. */
export function manPage(program: CommandFacts, version: string, examples: string): string {
  const lines = [
    `.TH CONNTRAIL 8 "" "conntrail ${roff(version)}" "System Administration"`,
    ".SH NAME",
    `conntrail \\- ${roff(lower(program.about.replace(/\.$/, "")))}`,
    ".SH SYNOPSIS",
    ...program.commands.flatMap(synopsis),
    ".SH DESCRIPTION",
    "Tells every connection of this host, long or a millisecond short, with its direction, its address translations, the process at each local end, the names of the addresses, and the evidence for each of these claims.",
    ".SH COMMANDS",
    ...program.commands.flatMap(command),
    ".SH OPTIONS OF EVERY COMMAND",
    ...program.options.flatMap(option),
    ".SH SETTINGS",
    ...SETTINGS.flatMap((text) => [".PP", roff(text)]),
    ".SH EXIT STATUS",
    ".TP",
    "0",
    "done",
    ".TP",
    "1",
    "failed, or (doctor) something that was asked for cannot work",
    ".TP",
    "2",
    "wrong usage",
    ".SH EXAMPLES",
    ".nf",
    ...examples.split("\n").map(roff),
    ".fi",
    ".SH SEE ALSO",
    ".BR conntrack (8),",
    ".BR ss (8),",
    ".BR nft (8)",
  ];
  return `${lines.join("\n")}\n`;
}

/** How options are set elsewhere, for the page and for `--help`. */
export const SETTINGS = [
  "Every option can also be set by a variable, --scan-interval by CONNTRAIL_SCAN_INTERVAL and --no-names by CONNTRAIL_NAMES=false, and in a file: the one that --config names, else ~/.config/conntrail/config.toml, else /etc/conntrail/config.toml. The command line counts before the variable, the variable before the file, the file before the default.",
  'The file is TOML: scan-interval = "1s", names = false, filter = "to.port == 443"; a table such as [serve] holds what is meant for one command only. Lists are lists there, and separated by commas in a variable.',
] as const;

function synopsis({ name, usage, commands }: CommandFacts): string[] {
  if (commands.length > 0) return commands.flatMap(synopsis);
  return [".br", `.B conntrail ${roff(name)}`, `[\\fIoptions\\fR] ${roff(usage)}`.trimEnd()];
}

function command({ name, about, usage, arguments: taken, options, commands }: CommandFacts): string[] {
  if (commands.length > 0) return commands.flatMap(command);
  const groups = [...new Set(options.map(({ group }) => group))];
  return [
    `.SS conntrail ${roff(`${name} ${usage}`.trimEnd())}`,
    roff(sentence(about)),
    ...taken.flatMap((each) => [".TP", `.I ${roff(each.name)}`, roff(each.about)]),
    ...groups.flatMap((group) => [
      ...(group === "Options:" ? [] : [".PP", roff(group)]),
      ...options.filter((each) => each.group === group).flatMap(option),
    ]),
  ];
}

function option({ short, long, value, about }: OptionFacts): string[] {
  const flags = [...(short === undefined ? [] : [short]), long].map((flag) => `\\fB${roff(flag)}\\fR`).join(", ");
  return [".TP", value === undefined ? flags : `${flags} \\fI${roff(value.slice(1, -1))}\\fR`, roff(about)];
}

function sentence(text: string): string {
  return `${text[0]!.toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
}

function lower(text: string): string {
  return text[0]!.toLowerCase() + text.slice(1);
}

/** Text that roff takes as it is: a backslash, a leading dot or quote, and hyphens that stay hyphens when copied. */
function roff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^([.'])/, "\\&$1");
}
