/** `npm run pack [-- FOLDER]`: the tarballs that npm ships, into FOLDER (by default the current one). Prints their paths and sizes. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { stagePackage } from "./stage.ts";
import { stageStore } from "./stage-store.ts";

const HOUSE = fileURLToPath(new URL("../../../..", import.meta.url));

const folder = resolve(process.env.INIT_CWD ?? ".", process.argv[2] ?? ".");
mkdirSync(folder, { recursive: true });
for (const stageInto of [stagePackage, stageStore]) {
  const stage = mkdtempSync(join(tmpdir(), "conntrail-pack-"));
  try {
    stageInto(HOUSE, stage);
    pack(stage);
  } finally {
    rmSync(stage, { recursive: true });
  }
}

function pack(stage: string): void {
  const output = execFileSync("npm", ["pack", "--json", "--pack-destination", folder], {
    cwd: stage,
    encoding: "utf8",
  });
  const [{ filename, size, unpackedSize, entryCount }] = JSON.parse(output) as [PackedFacts];
  console.log(`${join(folder, filename)}: ${kib(size)} KiB, ${kib(unpackedSize)} KiB unpacked, ${entryCount} files`);
}

interface PackedFacts {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly entryCount: number;
}

function kib(bytes: number): number {
  return Math.round(bytes / 1024);
}
