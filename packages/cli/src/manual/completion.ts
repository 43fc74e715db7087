/** Completion for bash, zsh and fish: scripts with every command, option and word in them, of the same facts as `--help`. */
import type { CommandFacts, OptionFacts } from "./describe.ts";

/** Shells that are known. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** The words of which an option takes one, or several with commas; undefined: it does not take such. */
export type ListWords = (option: string) => readonly string[] | undefined;

/** The script for a shell. */
export function completion(shell: Shell, program: CommandFacts, words: ListWords): string {
  const commands = leaves(program);
  switch (shell) {
    case "bash":
      return bash(program, commands, words);
    case "zsh":
      // zsh runs completions of bash, which knows the words before the cursor alike.
      return `#compdef conntrail\nautoload -Uz bashcompinit && bashcompinit\n${bash(program, commands, words)}${ZSH_FIRST}`;
    case "fish":
      return fish(program, commands, words);
  }
}

/** Where zsh finds the file by itself it reads it at the first Tab, which wants its answer, too. */
const ZSH_FIRST = '[[ "$funcstack[1]" == _conntrail ]] && _bash_complete -F _conntrail\n';

const FILE_VALUES = new Set(["<file>", "<folder>"]);

function leaves(command: CommandFacts): CommandFacts[] {
  return command.commands.flatMap((each) => (each.commands.length > 0 ? leaves(each) : [each]));
}

function bash(program: CommandFacts, commands: readonly CommandFacts[], words: ListWords): string {
  const firstWords = program.commands.map(({ name }) => name);
  const nested = program.commands.filter((each) => each.commands.length > 0);
  // The same option may take other words elsewhere.
  const byAction = new Map<string, string[]>();
  const add = (pattern: string, option: OptionFacts): void => {
    if (option.value === undefined) return;
    const action = bashValue(option, words);
    byAction.set(action, [...(byAction.get(action) ?? []), pattern]);
  };
  for (const option of program.options) add(`*" ${option.long}"`, option);
  for (const { name, options } of commands) for (const option of options) add(`"${name} ${option.long}"`, option);
  return `# Completion of conntrail, made by "conntrail completion".
_conntrail() {
  local cur prev word command="" nested=""
  COMPREPLY=()
  cur="\${COMP_WORDS[COMP_CWORD]}"
  prev="\${COMP_WORDS[COMP_CWORD-1]}"
  for word in "\${COMP_WORDS[@]:1:$((COMP_CWORD - 1))}"; do
    case "$nested $word" in
${nested.map(({ name }) => `      " ${name}") nested="${name}" ;;`).join("\n")}
${commands.map(({ name }) => `      "${name.includes(" ") ? name : ` ${name}`}") command="${name}"; break ;;`).join("\n")}
    esac
  done
  case "$command $prev" in
${[...byAction].map(([action, patterns]) => `    ${patterns.join("|")}) ${action}; return ;;`).join("\n")}
  esac
  case "$command" in
    "")
      case "$nested" in
${nested.map(({ name, commands: inner }) => `        ${name}) COMPREPLY=($(compgen -W "${inner.map((each) => each.name.slice(name.length + 1)).join(" ")}" -- "$cur")); return ;;`).join("\n")}
      esac
      COMPREPLY=($(compgen -W "${[...firstWords, ...longs(program.options)].join(" ")}" -- "$cur")) ;;
${commands.map((command) => `    "${command.name}") ${bashCommand(command, program)} ;;`).join("\n")}
  esac
}
complete -F _conntrail conntrail
`;
}

function bashCommand({ options, takesFile }: CommandFacts, program: CommandFacts): string {
  const words = `COMPREPLY=($(compgen -W "${longs([...options, ...program.options]).join(" ")}" -- "$cur"))`;
  return takesFile ? `if [[ "$cur" == -* ]]; then ${words}; else COMPREPLY=($(compgen -f -- "$cur")); fi` : words;
}

function bashValue({ long, value, choices }: OptionFacts, words: ListWords): string {
  const listed = words(long);
  if (listed !== undefined) {
    return `COMPREPLY=($(compgen -P "\${cur%"\${cur##*,}"}" -W "${listed.join(" ")}" -- "\${cur##*,}"))`;
  }
  if (choices.length > 0) return `COMPREPLY=($(compgen -W "${choices.join(" ")}" -- "$cur"))`;
  return FILE_VALUES.has(value!) ? `COMPREPLY=($(compgen -f -- "$cur"))` : "COMPREPLY=()";
}

function longs(options: readonly OptionFacts[]): string[] {
  return [...new Set(options.map(({ long }) => long))];
}

function fish(program: CommandFacts, commands: readonly CommandFacts[], words: ListWords): string {
  const lines = ['# Completion of conntrail, made by "conntrail completion".', "complete -c conntrail -f"];
  for (const { name, about } of program.commands) {
    lines.push(`complete -c conntrail -n __fish_use_subcommand -a ${name} -d ${fishQuoted(about)}`);
  }
  for (const option of program.options) lines.push(fishOption("", option, words));
  for (const { name, options, takesFile } of commands) {
    const [first, second] = name.split(" ");
    const seen =
      second === undefined
        ? `__fish_seen_subcommand_from ${first}`
        : `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}`;
    if (second !== undefined)
      lines.push(`complete -c conntrail -n '__fish_seen_subcommand_from ${first}' -a ${second}`);
    if (takesFile) lines.push(`complete -c conntrail -n '${seen}' -F`);
    for (const option of options) lines.push(fishOption(` -n '${seen}'`, option, words));
  }
  return `${lines.join("\n")}\n`;
}

function fishOption(when: string, { short, long, value, about, choices }: OptionFacts, words: ListWords): string {
  const flags = `${short === undefined ? "" : ` -s ${short.slice(1)}`} -l ${long.slice(2)}`;
  const taken = words(long) ?? choices;
  const takes =
    value === undefined
      ? ""
      : FILE_VALUES.has(value)
        ? " -r -F"
        : taken.length > 0
          ? ` -x -a '${taken.join(" ")}'`
          : " -x";
  return `complete -c conntrail${when}${flags}${takes} -d ${fishQuoted(about)}`;
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
