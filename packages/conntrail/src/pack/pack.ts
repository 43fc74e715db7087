/** `npm run pack [-- FOLDER]`: the tarball that npm ships, into FOLDER (by default the current one). Prints its path and its sizes. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { stagePackage } from "./stage.ts";

const HOUSE = fileURLToPath(new URL("../../../..", import.meta.url));

const folder = resolve(process.env.INIT_CWD ?? ".", process.argv[2] ?? ".");
const stage = mkdtempSync(join(tmpdir(), "conntrail-pack-"));
try {
  mkdirSync(folder, { recursive: true });
  stagePackage(HOUSE, stage);
  const output = execFileSync("npm", ["pack", "--json", "--pack-destination", folder], {
    cwd: stage,
    encoding: "utf8",
  });
  const [{ filename, size, unpackedSize, entryCount }] = JSON.parse(output) as [PackedFacts];
  console.log(`${join(folder, filename)}: ${kib(size)} KiB, ${kib(unpackedSize)} KiB unpacked, ${entryCount} files`);
} finally {
  rmSync(stage, { recursive: true });
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
