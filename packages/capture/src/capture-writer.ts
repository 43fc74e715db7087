/**
 * Writes a recording as it happens (docs/capture-format.md). `write` encodes at once into bounded memory and never waits; writing
 * to the file goes on behind it, whole blocks at a time. What does not fit while the disk is slow is dropped, and the file says so
 * with a loss record at that place.
 */
import type { Writable } from "node:stream";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { type CaptureTarget, fileTarget, removeFile, streamTarget } from "./capture-target.ts";
import { type Chunk, ChunkQueue } from "./chunk-queue.ts";
import { FileEncoder } from "./file-encoder.ts";
import { MAX_DATAGRAM_BYTES } from "./pcapng-encode.ts";
import type { CaptureRecord, NetlinkRecord } from "./records.ts";
import { rotatedPath } from "./rotated-path.ts";
import { type CaptureWriterOptions, type WriterSettings, writerSettings } from "./writer-options.ts";

/** What a recording has come to. */
export interface WriterCounts {
  /** Packets and other records that were accepted. */
  packets: number;
  sidecars: number;
  /** Records that did not fit. */
  dropped: number;
  /** Files begun, and bytes in them, as they lie on the disk. */
  files: number;
  writtenBytes: number;
}

/** Opens a recording at a path or on a stream. Fails with OpError when the file cannot be created, with RangeError for options that cannot work. */
export async function createCaptureWriter(
  target: string | Writable,
  options: CaptureWriterOptions = {},
): Promise<CaptureWriter> {
  const settings = writerSettings(options);
  const rotates = Number.isFinite(settings.rotateBytes) || Number.isFinite(settings.rotateMs);
  if (rotates && typeof target !== "string") throw new RangeError("a stream cannot be rotated");
  const first =
    typeof target === "string"
      ? await fileTarget(rotates ? rotatedPath(target, 1) : target, settings.sync)
      : streamTarget(target);
  return new CaptureWriter(typeof target === "string" && rotates ? target : undefined, first, settings);
}

/** A recording under way. */
export class CaptureWriter {
  readonly counts: WriterCounts = { packets: 0, sidecars: 0, dropped: 0, files: 1, writtenBytes: 0 };
  readonly #path: string | undefined;
  readonly #settings: WriterSettings;
  readonly #queue: ChunkQueue;
  readonly #encoder: FileEncoder;
  #target: CaptureTarget;
  #targetFile = 1;
  /** Bytes in the target, as they lie on the disk and as they were encoded. */
  #targetBytes = 0;
  #targetEncodedBytes = 0;
  #encodingFile = 0;
  /** The file that is being encoded: its first time, the queue's total where it begins, and what its snapshot took. */
  #fileStartedMs = 0;
  #fileStartBytes = 0;
  #snapshotBytes = 0;
  #lastMs = 0;
  #loss: { sinceMs: number; count: number } | undefined;
  #failure: unknown;
  #flushTimer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /** Use `createCaptureWriter`. */
  constructor(path: string | undefined, first: CaptureTarget, settings: WriterSettings) {
    this.#path = path;
    this.#target = first;
    this.#settings = settings;
    this.#queue = new ChunkQueue(settings.chunkBytes);
    this.#encoder = new FileEncoder(this.#queue, settings.section, settings.interfaces);
  }

  /** The error that ended the recording, if one did. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Takes a record; its bytes are copied. False: there was no room, or the recording has ended, and it is counted as dropped. */
  write(record: CaptureRecord): boolean {
    if (record.kind === "netlink") {
      const { bytes } = record;
      return this.writeDatagram(record, bytes, 0, bytes.length);
    }
    if (!this.#admit(record.timeMs, 0, 2 * this.#settings.queueBytes)) return false;
    this.#encoder.sidecar(record);
    this.counts.sidecars++;
    this.#scheduleFlush();
    return true;
  }

  /** Takes the datagram of `length` bytes at `offset` in `bytes`, which are copied: the same as `write`, without an object per message. */
  writeDatagram(
    facts: Omit<NetlinkRecord, "kind" | "bytes">,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): boolean {
    if (!this.#admit(facts.timeMs, length, this.#settings.queueBytes)) return false;
    this.#encoder.packet(facts, bytes, offset, length);
    this.counts.packets++;
    this.#scheduleFlush();
    return true;
  }

  /** Writes everything accepted so far. Fails with the error that ended the recording. */
  async flush(): Promise<void> {
    this.#queue.seal();
    while (this.#failure === undefined && (this.#queue.waiting || this.#writing !== undefined))
      await this.#startWriting();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Writes what is left and completes the file. Idempotent. Fails with the error that ended the recording. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#flushTimer);
    if (this.#encodingFile === 0) this.#encoder.begin(1);
    this.#tellLoss(this.#lastMs);
    try {
      await this.flush();
    } finally {
      await this.#target.finish();
    }
  }

  /** Makes way for a record of that time: a new file when one is due, and word of what was lost before it. False when there is no room for it. */
  #admit(timeMs: number, bytes: number, limit: number): boolean {
    this.#lastMs = timeMs;
    const open = this.#closing === undefined && this.#failure === undefined;
    const room = this.#queue.pendingBytes + bytes <= limit && bytes <= MAX_DATAGRAM_BYTES;
    if (!open || !room) {
      this.counts.dropped++;
      this.#loss ??= { sinceMs: timeMs, count: 0 };
      this.#loss.count++;
      return false;
    }
    if (this.#encodingFile === 0 || this.#rotationIsDue(timeMs)) this.#beginFile(this.#encodingFile + 1, timeMs);
    this.#tellLoss(timeMs);
    return true;
  }

  #tellLoss(timeMs: number): void {
    if (this.#loss === undefined) return;
    const { sinceMs, count } = this.#loss;
    this.#loss = undefined;
    this.#encoder.sidecar({ kind: "loss", timeMs, cause: "recorder", netns: 0, family: 0, sinceMs, count });
  }

  #rotationIsDue(timeMs: number): boolean {
    if (this.#path === undefined) return false;
    if (timeMs - this.#fileStartedMs >= this.#settings.rotateMs) return true;
    // What a file begins with must not fill it, or every record would get a file of its own.
    const limit = Math.max(this.#settings.rotateBytes, 2 * this.#snapshotBytes);
    const encoded = this.#queue.totalBytes - this.#fileStartBytes;
    const current = this.#targetFile === this.#encodingFile;
    return (current ? encoded - this.#targetEncodedBytes + this.#targetBytes : encoded) >= limit;
  }

  #beginFile(number: number, timeMs: number): void {
    this.#encodingFile = number;
    this.#fileStartedMs = timeMs;
    this.#fileStartBytes = this.#queue.totalBytes;
    this.#encoder.begin(number);
    for (const record of this.#settings.snapshot(timeMs)) {
      if (record.kind === "netlink") this.#encoder.packet(record, record.bytes, 0, record.bytes.length);
      else this.#encoder.sidecar(record);
    }
    this.#snapshotBytes = this.#queue.totalBytes - this.#fileStartBytes;
  }

  #scheduleFlush(): void {
    if (this.#queue.waiting) void this.#startWriting();
    this.#flushTimer ??= setTimeout(() => {
      this.#flushTimer = undefined;
      this.#queue.seal();
      void this.#startWriting();
    }, this.#settings.flushMs).unref();
  }

  /** Writes sealed chunks until there are none. Never fails: the failure is kept. */
  #startWriting(): Promise<void> {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #writeAll(): Promise<void> {
    for (let chunk = this.#queue.next(); chunk !== undefined; chunk = this.#queue.next()) {
      if (this.#failure !== undefined) return;
      try {
        await this.#writeChunk(chunk);
      } catch (error) {
        this.#failure = error;
        this.#settings.onFailure(error);
      }
      this.#queue.release(chunk);
    }
  }

  async #writeChunk(chunk: Chunk): Promise<void> {
    if (chunk.file !== this.#targetFile) await this.#nextTarget(chunk.file);
    const blocks = chunk.bytes.subarray(0, chunk.used);
    const bytes = this.#settings.compress ? await compressed(blocks) : blocks;
    await this.#target.write(bytes);
    this.#targetBytes += bytes.length;
    this.#targetEncodedBytes += blocks.length;
    this.counts.writtenBytes += bytes.length;
  }

  async #nextTarget(number: number): Promise<void> {
    await this.#target.finish();
    const { sync, maxFiles } = this.#settings;
    this.#target = await fileTarget(rotatedPath(this.#path!, number), sync);
    this.#targetFile = number;
    this.#targetBytes = 0;
    this.#targetEncodedBytes = 0;
    this.counts.files++;
    if (number > maxFiles) await removeFile(rotatedPath(this.#path!, number - maxFiles));
  }
}

const compressed = promisify(gzip) as (bytes: Uint8Array) => Promise<Uint8Array>;
