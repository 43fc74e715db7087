#!/usr/bin/env node
/** The `conntrail` command. */
import { readFileSync } from "node:fs";
import { endOnFailedOutput, flushed } from "./output.ts";
import { buildProgram, exitCode, withCommand } from "./program.ts";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

endOnFailedOutput();
try {
  await buildProgram(version).parseAsync(withCommand(process.argv.slice(2)), { from: "user" });
} catch (error) {
  process.exitCode = exitCode(error);
}
await flushed();
process.exit();
