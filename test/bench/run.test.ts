/** The bench command, run as a user runs it, over bench files made for the test. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CommandResult, runCommand } from "../lab/command.ts";

const BENCH = fileURLToPath(new URL("../../bench", import.meta.url));
const CASES = `
const sizes = [100, 1000, 10000];
export const cases = [
  ...sizes.map((size) => ({
    kind: "timed", name: "made/fill/" + size, per: "item", count: size, size,
    setup: () => ({ run: () => Array.from({ length: size }, (_, i) => ({ i })) }),
  })),
  { kind: "measured", name: "made/live", measure: async ({ sample }) => [
    { name: "rate", unit: "items/s", value: 100 + sample, target: { atLeast: 1000, note: "T0" } },
    { name: "cost", unit: "ns/item", value: Number(process.env.MADE_COST ?? 50) + sample, target: { atMost: 100, note: "T0" } },
  ] },
];`;
const PLAIN = `export async function run() { return [{ name: "ours", unit: "ms", value: 6, against: { name: "theirs", value: 3 } }]; }`;
const BROKEN = `export const cases = [{ kind: "measured", name: "broken", measure: async () => process.exit(7) }];`;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "conntrail-bench-"));
  mkdirSync(join(folder, "made"));
  mkdirSync(join(folder, "mixed"));
  writeFileSync(join(folder, "made/made.bench.ts"), CASES);
  writeFileSync(join(folder, "mixed/plain.bench.ts"), PLAIN);
  writeFileSync(join(folder, "mixed/broken.bench.ts"), BROKEN);
});

afterAll(() => rmSync(folder, { recursive: true }));

test("the table has a line for each figure, with targets met and missed, and tells how ladders grow", async () => {
  const plot = join(folder, "plot.svg");
  const { stdout, code } = await bench("made", "--plot", plot, "--rounds", "2");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^made\/fill\/1000 +[\d.,]+ +ns\/item +[\d.,]+ – [\d.,]+ +\d+ +[\d.,]+ B +[\d.,]+ B$/m);
  expect(stdout).toMatch(/^made\/live · rate +102 +items\/s +101 – 103 +5 +MISSED ≥ 1,000 \(T0\)$/m);
  expect(stdout).toMatch(/^made\/live · cost +52 +ns\/item +51 – 53 +5 +met ≤ 100 \(T0\)$/m);
  expect(stdout).toMatch(
    /^made\/fill grows from 100 to 10 k as time n\^\d\.\d\d, allocated n\^\d\.\d\d, held n\^(0\.9|1\.0)\d$/m,
  );
  expect(readFileSync(plot, "utf8")).toContain("made/fill: grows as n^");
});

test("a missed target fails the run only when asked to, and a case that breaks always does, after the others have run", async () => {
  expect((await bench("made", "live", "--strict")).code).toBe(1);
  const { stdout, code } = await bench("mixed");
  expect(code).toBe(1);
  expect(stdout).toContain("FAILED broken: its process ended with 7");
  expect(stdout).toMatch(/^plain · ours ÷ theirs +2 +×/m);
});

test("JSON carries the machine's facts, and a later run says what is beyond the noise", async () => {
  const before = join(folder, "before.json");
  const { stdout } = await bench("made", "live", "--json", "--out", before);
  const file = JSON.parse(stdout) as { schema: string; machine: object; results: object[] };
  expect(file.schema).toBe("conntrail.bench/1");
  expect(file.machine).toMatchObject({ node: process.version, cores: expect.any(Number), kernel: expect.any(String) });
  expect(file.results[0]).toMatchObject({ case: "made/live", figure: "rate", summary: { median: 102 }, met: false });
  expect(JSON.parse(readFileSync(before, "utf8"))).toEqual(file);

  const same = await bench("made", "live", "--against", before);
  expect(same.stdout.match(/within the noise/g)).toHaveLength(2);
  const slower = await runCommand(process.execPath, commandLine("made", "live", "--against", before), {
    env: { MADE_COST: "90" },
  });
  expect(slower.stdout).toMatch(/^made\/live · cost +52 +92 +ns\/item +\+76\.9 % .*WORSE, beyond the noise$/m);
});

test("--profile takes one case and tells where its time went", async () => {
  const two = await bench("made", "fill", "--profile");
  expect(two).toMatchObject({ code: 2, stderr: expect.stringContaining("--profile takes one case, and 3 match") });
});

/** Runs the benches of one of the two folders. */
function bench(files: "made" | "mixed", ...args: string[]): Promise<CommandResult> {
  return runCommand(process.execPath, commandLine(files, ...args));
}

function commandLine(files: "made" | "mixed", ...args: string[]): string[] {
  const fixed = ["--folder", join(folder, files), "--time", "50", "--rounds", "1"];
  return ["--import", "tsx", join(BENCH, "run.ts"), ...fixed, ...args];
}
