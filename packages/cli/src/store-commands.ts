/** The options and commands of the store (ClickHouse, OpenTelemetry), beside those of the host itself. */

import type { Question } from "@conntrail/store";
import { type Command, Option } from "commander";
import { type HistoryCommandOptions, runHistory } from "./commands/history.ts";
import {
  runStoreMigrate,
  runStoreQuery,
  STORE_QUESTIONS,
  type StoreMigrateOptions,
  type StoreQueryOptions,
} from "./commands/store.ts";
import { oneOf } from "./one-of.ts";
import { parseCount, parseDuration, parseUrl } from "./units.ts";
import { parseWhen, type Stretch } from "./when.ts";

const ADDRESS = "http(s)://[user[:password]@]host:8123[/database], or chdb:FOLDER for the engine in this process";

/** Adds to `watch` what sends connections elsewhere. */
export function addStoreOptions(command: Command): Command {
  return command
    .option("--clickhouse <address>", `keep connections in ClickHouse, too: ${ADDRESS}`)
    .option("--clickhouse-spool <folder>", "where they wait while the server is away (default: in memory, then lost)")
    .addOption(
      new Option("--clickhouse-interval <duration>", "how often living connections are told (default: 60s)").argParser(
        parseDuration,
      ),
    )
    .option("--clickhouse-scope <name>", "site or VPC of this host: private addresses mean something only inside one")
    .option("--otlp <url>", "send edges as metrics and ended connections as logs to this OTLP/HTTP receiver", parseUrl);
}

/** Adds `history`, `store migrate` and `store query`. */
export function addStoreCommands(program: Command): void {
  const when = (text: string): Stretch => parseWhen(text, Date.now());
  program
    .command("history")
    .argument("[when]", WHEN, when)
    .argument("[until]", "up to then (default: as long as WHEN says: 03:12 is a minute)", when)
    .description("who talked to whom at some time that has passed, from a store (default: in the last 15 minutes)")
    .addOption(address())
    .addOption(new Option("--skew <duration>", "how wrong clocks may be").default(2000, "2s").argParser(parseDuration))
    .option("--port <n>", "only this service", parseCount)
    .option("--address <address>", "only where this address is an end")
    .option("--process <name>", "only where a process of this name is at an end")
    .addOption(new Option("--limit <n>", "connections at the most").default(10_000).argParser(parseCount))
    .addOption(
      new Option("--format <format>", "table, ndjson (default: table at a terminal, else ndjson)").argParser(
        oneOf(["table", "ndjson"]),
      ),
    )
    .addHelpText("after", KEEPING)
    .action((from: Stretch | undefined, until: Stretch | undefined, options: HistoryCommandOptions) => {
      const nowMs = Date.now();
      const since = from ?? { sinceMs: nowMs - 900_000, untilMs: nowMs };
      const untilMs = until?.untilMs ?? since.untilMs;
      if (untilMs <= since.sinceMs) throw new RangeError("the second time is before the first one");
      return runHistory({ sinceMs: since.sinceMs, untilMs }, options);
    });
  const store = program.command("store").description("the connections of many hosts in ClickHouse");
  store
    .command("migrate")
    .description("make the tables, or bring them to this version")
    .addOption(address())
    .action((options: StoreMigrateOptions) => runStoreMigrate(options));
  store
    .command("query")
    .argument("<question>", STORE_QUESTIONS.join(", "), oneOf(STORE_QUESTIONS))
    .description("ask, and print a JSON object a line")
    .addOption(address())
    .addOption(new Option("--since <duration>", "how far back").default(900_000, "15m").argParser(parseDuration))
    .addOption(new Option("--skew <duration>", "how wrong clocks may be").default(2000, "2s").argParser(parseDuration))
    .option("--port <n>", "only this service", parseCount)
    .option("--address <address>", "only where this address is an end")
    .option("--process <name>", "only where a process of this name is at an end")
    .addOption(new Option("--limit <n>", "rows at the most").default(1000).argParser(parseCount))
    .action((question: Question, options: StoreQueryOptions) => runStoreQuery(question, options));
}

const WHEN = 'e.g. 03:12, "yesterday 23:50", "2026-01-31 03:12", 2026-01-31T03:12:00Z, 15m (ago)';

const KEEPING = `
A store is filled by 'conntrail watch --clickhouse ADDRESS'. With chdb:FOLDER it is the engine in this process, and one process
at a time may have the folder: install it beside conntrail with 'npm install chdb' (543 MB).

Examples:
  conntrail watch --clickhouse chdb:/var/lib/conntrail/history >/dev/null
  conntrail history 03:12 --clickhouse chdb:/var/lib/conntrail/history`;

function address(): Option {
  return new Option("--clickhouse <address>", ADDRESS).makeOptionMandatory();
}
