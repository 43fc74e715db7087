/**
 * A test over the ClickHouse engine of the package `chdb` (543 MB), which is not among the dependencies: where it cannot be loaded the test is
 * left out, loudly. `NODE_PATH` names a folder that has it.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { KERNEL_SKIP } from "../lab/kernel.ts";

/** Declares it. `folder` is empty at the start and removed at the end. The engine allows one folder a process, so each file has one such test. */
export function chdbTest(name: string, run: (folder: string) => Promise<void>, timeout = 240_000): void {
  test(name, { timeout }, async ({ skip }) => {
    const obstacle = chdbObstacle();
    if (obstacle !== undefined) skip(obstacle);
    await withFolder(run);
  });
}

/** Runs with a folder that is empty at the start and removed at the end. */
export async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "conntrail-chdb-"));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Why a test without the engine is left out; `undefined` where it is installed. */
export function chdbObstacle(): string | undefined {
  try {
    createRequire(import.meta.url).resolve("chdb/connection");
    return undefined;
  } catch {
    return `${KERNEL_SKIP}not installed: chdb (npm install --prefix DIR chdb@3.4.0, NODE_PATH=DIR/node_modules)`;
  }
}
