/** The options of the program that embeds us, as agents are run with: they are the host's affair and must do no harm. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const PROGRAM = fileURLToPath(new URL("./programs/one-report.mjs", import.meta.url));

/** Runs Node on the smallest agent, and gives what it printed. Fails when a source was never heard. */
async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
  const options = { cwd: import.meta.dirname, timeout: 25_000, env: { ...process.env, ...env } };
  const { stdout } = await promisify(execFile)(process.execPath, [...args], options);
  const { conntrack, sockets } = JSON.parse(stdout) as { conntrack: string | null; sockets: string | null };
  expect(["starting", "failed"]).not.toContain(conntrack);
  expect(["starting", "unavailable", "failed"]).not.toContain(sockets);
}

describe.concurrent("N1 an agent works that is run with", () => {
  test.each([
    "--max-old-space-size=512",
    "--max-semi-space-size=16",
    "--expose-gc",
    "--stack-size=900",
    "--title=agent",
    "--abort-on-uncaught-exception",
    "--jitless",
    "--enable-source-maps",
    "--frozen-intrinsics",
  ])("%s", async (option) => run([option, PROGRAM]), 30_000);

  test("its text as an argument, and options beside it", async () => {
    const text = readFileSync(PROGRAM, "utf8");
    await run(["--max-old-space-size=512", "--expose-gc", "--input-type=module", "--eval", text]);
  }, 30_000);

  test("NODE_OPTIONS", async () => {
    await run([PROGRAM], { NODE_OPTIONS: "--max-old-space-size=512 --enable-source-maps" });
  }, 30_000);
});
