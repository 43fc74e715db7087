/** Completions in the shells themselves: Debian's fish and zsh load what `conntrail completion` prints, and answer a Tab. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "vitest";
import { kernelTest, runConntrail } from "../lab/index.ts";

const run = promisify(execFile);

/** A shell without anybody's settings, with the script in a file of a folder of its own. */
async function inShell(
  shell: "fish" | "zsh",
  file: string,
  command: (folder: string) => readonly [string, ...string[]],
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "conntrail-shell-"));
  try {
    const { stdout } = await runConntrail(undefined, ["completion", shell], { timeoutMs: 60_000 });
    writeFileSync(join(folder, file), stdout);
    const [program, ...args] = command(folder);
    const { PATH } = process.env;
    const env = { PATH, HOME: folder, TERM: "dumb", LANG: "C.UTF-8" };
    return (await run(program, args, { env, cwd: folder, timeout: 60_000 })).stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

kernelTest(
  "fish completes commands, options, their words, fields and files",
  async () => {
    const asked = [
      "conntrail rep",
      "conntrail report --fil",
      "conntrail report --format ",
      "conntrail report --sort to.po",
    ];
    const more = ["conntrail store ", "conntrail replay ./c.f"];
    const questions = [...asked, ...more].map((line) => `complete -C "${line}"; echo ==`).join("\n");
    const answer = await inShell("fish", "c.fish", (folder) => {
      writeFileSync(join(folder, "ask.fish"), `source c.fish\n${questions}\n`);
      return ["fish", "--no-config", "ask.fish"];
    });
    const words = answer.split("==\n").map((part) => part.split("\n").flatMap((line) => line.split("\t", 1)[0] || []));
    expect(words.slice(0, -1)).toEqual([
      ["replay", "report"],
      ["--filter"],
      ["dot", "json", "scope", "table"],
      ["to.pod", "to.port"],
      ["migrate", "query"],
      ["./c.fish"],
    ]);
  },
  { requires: ["fish"], timeout: 120_000 },
);

kernelTest(
  "zsh completes from the first Tab on",
  async () => {
    const lines = [
      ["conntrail repo", "conntrail report "],
      ["conntrail report --fil", "conntrail report --filter "],
      ["conntrail report --format sc", "conntrail report --format scope "],
      ["conntrail store m", "conntrail store migrate "],
      ["conntrail report --sort from.por", "conntrail report --sort from.port"],
    ];
    // Each answer is waited for: one that does not come is the end of the time.
    const tabs = lines.map(([typed, told]) => `ask '${typed}' '${told}'`).join("\n");
    const script = `
zmodload zsh/zpty
ask() {
  zpty -w -n z "$1"$'\\t'
  zpty -r -m z seen "*$2*" && print -r -- "$2"
  zpty -w -n z $'\\x15'
}
zpty z env TERM=dumb zsh -f -i
zpty -w z "PS1='> '; fpath=($PWD \\$fpath); autoload -Uz compinit && compinit -u -D; print rea\\"\\"dy"
zpty -r -m z seen "*ready*"
${tabs}
zpty -d z
`;
    const answer = await inShell("zsh", "_conntrail", (folder) => {
      writeFileSync(join(folder, "ask.zsh"), script);
      return ["zsh", "-f", "ask.zsh"];
    });
    expect(answer.split("\n").filter((line) => line !== "")).toEqual(lines.map(([, told]) => told));
  },
  { requires: ["zsh"], timeout: 120_000 },
);
