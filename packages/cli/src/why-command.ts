/** The command `why` and what it takes. */
import { type AskedEnd, parseAskedEnd } from "@conntrail/reporter/plain";
import { type Command, InvalidArgumentError, Option } from "commander";
import { addCollectionOptions } from "./collection-options.ts";
import type { WhyCommandOptions } from "./commands/why.ts";
import { oneOf } from "./one-of.ts";
import { parseCount, parseDuration } from "./units.ts";

/** Adds it. */
export function addWhyCommand(program: Command): void {
  addCollectionOptions(
    program
      .command("why")
      .argument(
        "<from>",
        "an end: 10.0.0.1:80, [fd00::1], curl, shop.example:443, :5432, pid:4711; real or visible; or with --replay a row's number: id:42",
        askedEnd,
      )
      .argument("[to]", "the other end, whichever of them opened", askedEnd)
      .description(
        "the facts that made a connection's row, what each decided, and what was looked for where it says nothing",
      )
      .option("--replay <file>", "of a recording (default: watch for a while)")
      .addOption(new Option("--window <duration>", "how long to watch").default(3000, "3s").argParser(parseDuration))
      .addOption(new Option("--limit <n>", "connections, the latest first").default(3).argParser(parseCount))
      .addOption(new Option("--format <format>", "text, json").default("text").argParser(oneOf(["text", "json"]))),
  ).action(async (from: AskedEnd, to: AskedEnd | undefined, options: WhyCommandOptions) => {
    if (to?.id !== undefined) throw new RangeError("a row's number stands alone: conntrail why id:42 --replay FILE");
    if (from.id !== undefined && options.replay === undefined) {
      throw new RangeError(
        "a row's number is of one run: ask with --replay FILE, where you see it (Enter in conntrail top, a click on the page), or /api/why?id= of conntrail serve",
      );
    }
    await (await import("./commands/why.ts")).runWhy(from, to, options);
  });
}

function askedEnd(text: string): AskedEnd {
  const end = parseAskedEnd(text);
  if (end !== undefined) return end;
  throw new InvalidArgumentError(`Expected an end such as 10.0.0.1:80, curl, :5432 or pid:4711, got "${text}".`);
}
