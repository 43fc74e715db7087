/** The options and commands of the store (ClickHouse, OpenTelemetry), beside those of the host itself. */

import type { Question } from "@conntrail/store";
import { type Command, Option } from "commander";
import {
  runStoreMigrate,
  runStoreQuery,
  STORE_QUESTIONS,
  type StoreMigrateOptions,
  type StoreQueryOptions,
} from "./commands/store.ts";
import { oneOf } from "./one-of.ts";
import { parseCount, parseDuration, parseUrl } from "./units.ts";

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

/** Adds `store migrate` and `store query`. */
export function addStoreCommands(program: Command): void {
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

function address(): Option {
  return new Option("--clickhouse <address>", ADDRESS).makeOptionMandatory();
}
