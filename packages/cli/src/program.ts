/** The command line: commands, options, help, and one line for whoever gets them wrong. */
import { isQueryError } from "@conntrail/query";
import { fold } from "@conntrail/report";
import { isOptionError, OPTION_LIMITS } from "@conntrail/reporter/plain";
import { type ListenAddress, parseListenAddress } from "@conntrail/serve/listen-address";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { addCollectionOptions } from "./collection-options.ts";
import type { DoctorCommandOptions } from "./commands/doctor.ts";
import type { RecordCommandOptions } from "./commands/record.ts";
import type { ReplayCommandOptions } from "./commands/replay.ts";
import type { ReportCommandOptions } from "./commands/report.ts";
import type { ServeCommandOptions } from "./commands/serve.ts";
import type { TopCommandOptions } from "./commands/top.ts";
import type { WatchCommandOptions } from "./commands/watch.ts";
import { flagError } from "./flag-error.ts";
import { DIAGNOSIS_FORMATS, REPLAY_FORMATS, REPORT_FORMATS, STREAM_FORMATS } from "./formats.ts";
import { chooseLogLevel, LOG_LEVELS, type LogLevel } from "./log.ts";
import { SETTINGS } from "./manual/man-page.ts";
import { addManualCommands } from "./manual-commands.ts";
import { gather, oneOf } from "./one-of.ts";
import { addQuestionOptions } from "./question-options.ts";
import { heedSettings } from "./settings/heed-settings.ts";
import { addStoreCommands, addStoreOptions } from "./store-commands.ts";
import { COLOR_CHOICES, type ColorChoice, chooseColor } from "./terminal.ts";
import {
  durationIn,
  formatDuration,
  parseCount,
  parseDuration,
  parseHeader,
  parseMoment,
  parseSize,
  parseSpan,
  parseSpeed,
  parseUrl,
} from "./units.ts";
import { addWhyCommand } from "./why-command.ts";

/** Exit codes of the command line. */
const EXIT = { done: 0, failed: 1, usage: 2 } as const;

/** Builds the program. Each command is loaded when it is run: the rest would be half a second of waiting. `version` is what `--version` prints. */
export function buildProgram(version: string): Command {
  const program = new Command("conntrail")
    .description("Who talks to whom on this host: connections with direction, NAT, processes and names.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show this help")
    .configureOutput({ outputError: (text, write) => write(`conntrail: ${oneLine(text)}\n`) })
    .addOption(
      new Option("--color <when>", "auto, always, never; auto heeds the terminal and NO_COLOR")
        .default("auto")
        .argParser(oneOf(COLOR_CHOICES)),
    )
    .addOption(
      new Option("--log-level <level>", "what goes wrong, on standard error: silent, error, warn, info")
        .default("error")
        .argParser(oneOf(LOG_LEVELS)),
    )
    .option("--config <file>", "read options from this file (default: ~/.config/conntrail/config.toml, else /etc/…)")
    .exitOverride()
    .addHelpText("after", `\n${EXAMPLES}\n\n${SETTINGS.flatMap((text) => fold(text, 80, 0)).join("\n")}\n\n${CODES}`);

  addReportOptions(
    program
      .command(DEFAULT_COMMAND)
      .description("watch for a while and print one report (the default command)")
      .addOption(durationOption("--window <duration>", "how long to watch", 3000, "3s"))
      .addOption(formatOption(REPORT_FORMATS, "json")),
  ).action(async (options: ReportCommandOptions) => (await import("./commands/report.ts")).runReport(options));

  addStoreOptions(
    addReportOptions(
      program
        .command("watch")
        .description("print a report at every interval until interrupted")
        .addOption(intervalOption("time between reports"))
        .addOption(formatOption(STREAM_FORMATS, "ndjson"))
        .option(
          "--changes",
          "print what opens, becomes known otherwise or ends, a line of JSON each, instead of reports",
        )
        .option(
          "--count <n>",
          "end after this many reports (not counting those from before all sources were heard), or changes",
          parseCount,
        )
        .option("--publish <url>", "send each report to the Weave Scope app at this address, too", parseUrl)
        .option(
          "--publish-header <name: value>",
          "with this header, such as 'Authorization: Bearer …'; may be repeated",
          gather(parseHeader),
        ),
    ),
  ).action(async (options: WatchCommandOptions) => (await import("./commands/watch.ts")).runWatch(options));

  addReportOptions(
    program
      .command("top")
      .description("show who talks to whom, live at a terminal, in groups that can be opened (? tells the keys)")
      .addOption(intervalOption("time between reports")),
  ).action(async (options: TopCommandOptions) => (await import("./commands/top.ts")).runTop(options));

  addCollectionOptions(
    program
      .command("serve")
      .description("serve a live page, reports, changes and metrics over HTTP until interrupted")
      .addOption(
        new Option(
          "--listen <address>",
          "127.0.0.1:4747, [::1]:4747, unix:PATH; others than this host's own take a token",
        )
          .default({ kind: "tcp", host: "127.0.0.1", port: 4747 }, "127.0.0.1:4747")
          .argParser(listenAddress),
      )
      .option(
        "--token-file <file>",
        "ask for the token in this file (Authorization: Bearer, or #token=… in the address)",
      )
      .option("--allow-host <name>", "a further name by which browsers may call us; may be repeated", gather(String))
      .addOption(intervalOption("time between reports"))
      .option("--replay <file>", "serve a recording, with a slider for its time"),
  ).action(async (options: ServeCommandOptions) => (await import("./commands/serve.ts")).runServe(options, version));

  addCollectionOptions(
    program
      .command("record")
      .argument("<file>", "where to; a capture that Wireshark and tshark open as well (.pcapng, .pcapng.gz)")
      .description("record everything that reports are made of, for replay")
      .addOption(intervalOption("time between the reports that a replay repeats"))
      .option("--duration <duration>", "end after this long (default: when interrupted)", parseDuration)
      .option("--compress", "gzip (default: when the file's name ends in .gz)")
      .option("--rotate-size <size>", "begin a new file at this size, e.g. 64MiB", parseSize)
      .option("--rotate-time <duration>", "begin a new file after this long, e.g. 10m", parseDuration),
  ).action(async (file: string, options: RecordCommandOptions) =>
    (await import("./commands/record.ts")).runRecord(file, options),
  );

  addQuestionOptions(
    program
      .command("replay")
      .argument(
        "<file...>",
        "a recording (the files of a rotated one in their order), a pcap or pcapng of netlink, text of conntrack -E or -L, or /proc/net/nf_conntrack; - is standard input",
      )
      .description("print the reports of a recording: one of the whole, or with ndjson all")
      .addOption(
        new Option("--speed <factor>", "1: as fast as it was, 10: ten times, max").default("max").argParser(parseSpeed),
      )
      .option("--interval <duration>", "time between reports (default: as recorded, else 1s)", parseSpan)
      .option("--since <time>", "report from here on: 2026-01-31T12:00:00Z, or +10s after the beginning", parseMoment)
      .option("--until <time>", "read up to here", parseMoment)
      .addOption(formatOption(REPLAY_FORMATS, "json")),
  ).action(async (files: string[], options: ReplayCommandOptions) =>
    (await import("./commands/replay.ts")).runReplay(files, options),
  );

  addCollectionOptions(
    program
      .command("doctor")
      .description("look at what reports need here: found or missing, what is lost without it, and what mends it")
      .addOption(
        new Option("--format <format>", `${DIAGNOSIS_FORMATS.join(", ")}`)
          .default("text")
          .argParser(oneOf(DIAGNOSIS_FORMATS)),
      ),
  ).action(async (options: DoctorCommandOptions) => {
    process.exitCode = await (await import("./commands/doctor.ts")).runDoctor(options);
  });

  addWhyCommand(program);

  addStoreCommands(program);
  addManualCommands(program, version, EXAMPLES.replace(/^Examples:\n/, ""));
  heedSettings(program);
  program.hook("preAction", (_, command) => {
    const { color, logLevel } = command.optsWithGlobals() as { color: ColorChoice; logLevel: LogLevel };
    chooseColor(color);
    chooseLogLevel(logLevel);
  });
  return program;
}

function addReportOptions(command: Command): Command {
  return addCollectionOptions(addQuestionOptions(command));
}

const DEFAULT_COMMAND = "report";

/** The arguments with the default command put in where none was named; `--help` and `--version` stay the program's own. */
export function withCommand(args: readonly string[]): string[] {
  const [first] = args;
  if (/^--(color|log-level|config)(=|$)/.test(first ?? "")) {
    const taken = first!.includes("=") ? 1 : 2;
    return [...args.slice(0, taken), ...withCommand(args.slice(taken))];
  }
  const own = first !== undefined && ["-h", "--help", "-V", "--version"].includes(first);
  return own || (first !== undefined && !first.startsWith("-")) ? [...args] : [DEFAULT_COMMAND, ...args];
}

/** The exit code for what `parseAsync` threw; tells on standard error what commander has not told yet. */
export function exitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  const cause = firstCause(error);
  const text = isOptionError(cause) ? flagError(cause) : cause instanceof Error ? cause.message : String(cause);
  process.stderr.write(`conntrail: ${oneLine(text)}\n`);
  const isUsage =
    isOptionError(cause) || isQueryError(cause) || (cause instanceof Error && cause.name === "RangeError");
  return isUsage ? EXIT.usage : EXIT.failed;
}

/** What went wrong first: a value out of range is refused in the part that knows the range, perhaps in another thread. A store's error says what would help, its cause does not. */
function firstCause(error: unknown): unknown {
  const isLast = !(error instanceof Error) || error.cause === undefined || error.name === "StoreError";
  return isLast ? error : firstCause(error.cause);
}

const EXAMPLES = `Examples:
  conntrail                                    one report of the next three seconds
  conntrail report --window 10s --format json
  conntrail watch --interval 5s --format ndjson | jq '.connections | length'
  conntrail serve                              http://127.0.0.1:4747/: a live page
  conntrail record today.pcapng --duration 1m
  conntrail replay today.pcapng
  conntrail doctor                             what is missing here, and what mends it`;

const CODES = "Exit codes: 0 done, 1 failed, 2 wrong usage. Diagnostics go to standard error.";

function listenAddress(text: string): ListenAddress {
  const address = parseListenAddress(text);
  if (address !== undefined) return address;
  throw new InvalidArgumentError(
    `Expected an address such as 127.0.0.1:4747 or unix:/run/conntrail.sock, got "${text}".`,
  );
}

function formatOption(choices: readonly string[], forPrograms: string): Option {
  const help = `${choices.join(", ")} (default: table at a terminal, else ${forPrograms})`;
  return new Option("--format <format>", help).argParser(oneOf(choices));
}

function durationOption(flags: string, description: string, defaultMs: number, defaultText: string): Option {
  return new Option(flags, description).default(defaultMs, defaultText).argParser(parseDuration);
}

function intervalOption(description: string): Option {
  const { least, preset } = OPTION_LIMITS.intervalMs;
  const text = `${formatDuration(preset)}, at least ${formatDuration(least)}`;
  return new Option("--interval <duration>", description)
    .default(preset, text)
    .argParser(durationIn(OPTION_LIMITS.intervalMs));
}

/** Commander puts its suggestion on a second line; one line is easier to find in a log. */
function oneLine(text: string): string {
  return text
    .replace(/^error: /, "")
    .trim()
    .replace(/\s*\n\s*/g, " ");
}
