/** The files of a recording, one after the other: takes chunks, packs them if asked to, and puts each into the file it belongs to. */
import { promisify } from "node:util";
import { gzip, type ZlibOptions } from "node:zlib";
import { type CaptureTarget, fileTarget, removeFile } from "./capture-target.ts";
import type { Chunk } from "./chunk-queue.ts";
import { rotatedPath } from "./rotated-path.ts";
import type { WriterSettings } from "./writer-options.ts";

/** Where the chunks go. The first file is open from the start. */
export class RecordingFiles {
  /** Number of the file that is written, from 1. */
  file = 1;
  /** Bytes in it, as they lie on the disk and as they were encoded. */
  bytes = 0;
  encodedBytes = 0;
  readonly #path: string | undefined;
  readonly #settings: WriterSettings;
  #target: CaptureTarget;

  /** `path`: what the names of further files are made from; `undefined` when there are none. */
  constructor(path: string | undefined, first: CaptureTarget, settings: WriterSettings) {
    this.#path = path;
    this.#target = first;
    this.#settings = settings;
  }

  /** There can be further files. */
  get rotates(): boolean {
    return this.#path !== undefined;
  }

  /** Writes a chunk and says how many bytes it took. Fails with OpError. */
  async write(chunk: Chunk): Promise<number> {
    if (chunk.file !== this.file) await this.#next(chunk.file);
    const blocks = chunk.bytes.subarray(0, chunk.used);
    const bytes = this.#settings.compress ? await packed(blocks) : blocks;
    await this.#target.write(bytes);
    this.bytes += bytes.length;
    this.encodedBytes += blocks.length;
    return bytes.length;
  }

  /** Completes the file that is written. */
  finish(): Promise<void> {
    return this.#target.finish();
  }

  async #next(number: number): Promise<void> {
    await this.#target.finish();
    const { sync, maxFiles } = this.#settings;
    this.#target = await fileTarget(rotatedPath(this.#path!, number), sync);
    this.file = number;
    this.bytes = 0;
    this.encodedBytes = 0;
    if (number > maxFiles) await removeFile(rotatedPath(this.#path!, number - maxFiles));
  }
}

/** Measured on conntrack's events: level 6 takes 2.6 times as long for 6 % fewer bytes. */
const LEVEL = 4;

const gzipped = promisify<Uint8Array, ZlibOptions, Uint8Array>(gzip);

/** One gzip member. Made on a thread of libuv's. */
function packed(bytes: Uint8Array): Promise<Uint8Array> {
  return gzipped(bytes, { level: LEVEL });
}
