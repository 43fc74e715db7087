/** `conntrail completion` and `conntrail man`: what the shell and man(1) are to know, of the same source as `--help`. */
import { CONNECTION_MEMBERS } from "@conntrail/report";
import { Argument, type Command } from "commander";
import { fields } from "./fields.ts";
import { completion, SHELLS, type Shell } from "./manual/completion.ts";
import { describe } from "./manual/describe.ts";
import { manPage } from "./manual/man-page.ts";
import { oneOf } from "./one-of.ts";
import { writeOut } from "./output.ts";

/** Options whose value is a field, or several with commas. */
const FIELD_OPTIONS = new Set(["--sort", "--by", "--columns"]);

/** Adds both. */
export function addManualCommands(program: Command, version: string, examples: string): void {
  program
    .command("completion")
    .addArgument(new Argument("<shell>", SHELLS.join(", ")).argParser(oneOf(SHELLS)))
    .description('print completion for a shell: eval "$(conntrail completion bash)"')
    .action(async (shell: Shell) => {
      const paths = fields().paths.filter((path) => fields().get(path)?.kind !== "part");
      const words = (option: string): readonly string[] | undefined =>
        option === "--select" ? CONNECTION_MEMBERS : FIELD_OPTIONS.has(option) ? paths : undefined;
      await writeOut(completion(shell, describe(program), words));
    });
  program
    .command("man")
    .description("print the manual page: conntrail man | man -l -")
    .action(() => writeOut(manPage(describe(program), version, examples)));
}
