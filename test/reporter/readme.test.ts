/** The README's example, run exactly as printed. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { createReporter } from "@conntrail/reporter";
import * as installed from "conntrail";
import { expect, test } from "vitest";

const README = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const EXAMPLE = /```ts\n(import \{ createReporter \}[\s\S]*?)```/.exec(README)?.[1];

test("the lines that embed a reporter, as the README prints them, run and end", async () => {
  expect(EXAMPLE).toBeDefined();
  const lines = EXAMPLE!
    .trim()
    .split("\n")
    .filter((line) => line !== "");
  expect(lines.length).toBeLessThanOrEqual(10);
  // Inside the workspace, so that the package is found by its name; nothing of the text is changed.
  const directory = mkdtempSync(new URL("./readme-", import.meta.url).pathname);
  try {
    writeFileSync(`${directory}/example.mjs`, EXAMPLE!);
    const { stderr } = await promisify(execFile)(process.execPath, [`${directory}/example.mjs`], { timeout: 20_000 });
    expect(stderr).toBe("");
  } finally {
    rmSync(directory, { recursive: true });
  }
}, 30_000);

test("the package that it imports is the reporter of the house", () => {
  expect(installed.createReporter).toBe(createReporter);
});
