/**
 * Batches that wait on disk while the server is away: one file each, `<boot>-<number>-<rows>.native.gz`, taken in order, dropped
 * from the oldest when the folder is full. A file is written under another name and renamed, so that a crash leaves none that is cut short.
 */
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Batch } from "./batch.ts";
import { StoreError } from "./store-error.ts";

/** What a file's name says of its bytes: rows were lines once. */
const SUFFIXES: Readonly<Record<Batch["format"], string>> = { Native: ".native.gz", TabSeparated: ".tsv.gz" };
const UNFINISHED = ".part";

/** A folder of waiting batches. One process a folder. */
export class Spool {
  readonly #folder: string;
  readonly #maxBytes: number;
  #files: { readonly name: string; readonly bytes: number; readonly rows: number }[] = [];
  #opened = false;
  /** Rows of batches that were dropped because the folder was full. */
  lostRows = 0;

  /** `maxBytes`: of compressed files in the folder. */
  constructor(folder: string, maxBytes: number) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  get length(): number {
    return this.#files.length;
  }

  get bytes(): number {
    return this.#files.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get rows(): number {
    return this.#files.reduce((sum, { rows }) => sum + rows, 0);
  }

  /** Finds what an earlier run left; throws `StoreError` of code `spool` when the folder cannot be used. */
  async open(): Promise<void> {
    if (this.#opened) return;
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      const names = (await readdir(this.#folder)).sort(byAge);
      for (const name of names) {
        if (name.endsWith(UNFINISHED)) await rm(join(this.#folder, name));
        if (formatOf(name) === undefined) continue;
        const { size } = await stat(join(this.#folder, name));
        this.#files.push({ name, bytes: size, rows: rowsOf(name) });
      }
      this.#opened = true;
    } catch (error) {
      throw new StoreError("spool", `${this.#folder}: ${(error as Error).message}`, error);
    }
  }

  /** Writes a batch behind the others. Throws `StoreError` of code `spool` when the disk refuses; the batch is then not in the spool. */
  async push(batch: Batch): Promise<void> {
    await this.open();
    const { token, rows, bytes, format } = batch;
    const name = `${token}-${rows}${SUFFIXES[format]}`;
    try {
      await writeFile(join(this.#folder, name + UNFINISHED), bytes, { mode: 0o600 });
      await rename(join(this.#folder, name + UNFINISHED), join(this.#folder, name));
    } catch (error) {
      await rm(join(this.#folder, name + UNFINISHED), { force: true }).catch(() => undefined);
      throw new StoreError("spool", `${this.#folder}: ${(error as Error).message}`, error);
    }
    this.#files.push({ name, bytes: bytes.length, rows });
    while (this.bytes > this.#maxBytes && this.#files.length > 1) {
      this.lostRows += this.#files[0]!.rows;
      await this.#removeFirst();
    }
  }

  /** The oldest batch; it stays until `remove`. One that cannot be read is dropped and counted. */
  async peek(): Promise<Batch | undefined> {
    await this.open();
    for (let first = this.#files[0]; first !== undefined; first = this.#files[0]) {
      try {
        const bytes = await readFile(join(this.#folder, first.name));
        return { token: tokenOf(first.name), format: formatOf(first.name)!, bytes, rows: first.rows };
      } catch {
        this.lostRows += first.rows;
        await this.#removeFirst();
      }
    }
    return undefined;
  }

  /** Removes the batch of this token, which the server has. True unless a full folder has dropped it while it was under way. */
  async remove(token: string): Promise<boolean> {
    if (this.#files[0] === undefined || tokenOf(this.#files[0].name) !== token) return false;
    await this.#removeFirst();
    return true;
  }

  async #removeFirst(): Promise<void> {
    const [first] = this.#files.splice(0, 1);
    await rm(join(this.#folder, first!.name), { force: true });
  }
}

function formatOf(name: string): Batch["format"] | undefined {
  if (name.endsWith(SUFFIXES.Native)) return "Native";
  return name.endsWith(SUFFIXES.TabSeparated) ? "TabSeparated" : undefined;
}

/** Names are `<boot>-<number>-<rows>.native.gz`; a boot begins with the time of its start, so that names sort by age. */
function byAge(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function tokenOf(name: string): string {
  return name.slice(0, name.lastIndexOf("-"));
}

function rowsOf(name: string): number {
  return Number.parseInt(name.slice(name.lastIndexOf("-") + 1), 10) || 0;
}
