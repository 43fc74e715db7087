/**
 * Writes a recording as it happens (docs/capture-format.md). `write` encodes at once into bounded memory and never waits; writing
 * to the file goes on behind it, whole blocks at a time. What does not fit while the disk is slow is dropped, and the file says so
 * with a loss record at that place.
 */
import type { Writable } from "node:stream";
import { fileTarget, streamTarget } from "./capture-target.ts";
import { ChunkQueue } from "./chunk-queue.ts";
import { FileEncoder } from "./file-encoder.ts";
import { MAX_BLOCK_BYTES, MAX_DATAGRAM_BYTES } from "./pcapng-encode.ts";
import { RecordingFiles } from "./recording-files.ts";
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
  /** Files begun, and bytes in all of them, as they lie on the disk. */
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
  if (typeof target !== "string") {
    if (rotates) throw new RangeError("a stream cannot be rotated");
    return new CaptureWriter(new RecordingFiles(undefined, streamTarget(target), settings), settings);
  }
  const first = await fileTarget(rotates ? rotatedPath(target, 1) : target, settings.sync);
  return new CaptureWriter(new RecordingFiles(rotates ? target : undefined, first, settings), settings);
}

/** A recording under way. Must be closed, also when it has failed. */
export class CaptureWriter {
  readonly counts: WriterCounts = { packets: 0, sidecars: 0, dropped: 0, files: 1, writtenBytes: 0 };
  readonly #files: RecordingFiles;
  readonly #settings: WriterSettings;
  readonly #queue: ChunkQueue;
  readonly #encoder: FileEncoder;
  /** The file that is being encoded, 0 before the first: its first time, the queue's total where it begins, and what its snapshot took. */
  #file = 0;
  #fileStartedMs = 0;
  #fileStartBytes = 0;
  #snapshotBytes = 0;
  #lastMs = 0;
  #loss: { readonly sinceMs: number; count: number } | undefined;
  #failure: unknown;
  #flushTimer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /** Use `createCaptureWriter`. */
  constructor(files: RecordingFiles, settings: WriterSettings) {
    this.#files = files;
    this.#settings = settings;
    this.#queue = new ChunkQueue(settings.chunkBytes);
    this.#encoder = new FileEncoder(this.#queue, settings.section, settings.interfaces);
  }

  /** The error that ended the recording, if one did. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Bytes accepted and not yet written. A source that can wait waits for `flush()` while they are many, and loses nothing. */
  get pendingBytes(): number {
    return this.#queue.pendingBytes;
  }

  /** Takes a record; its bytes are copied. False: there was no room, or the recording has ended, and it is counted as dropped. */
  write(record: CaptureRecord): boolean {
    if (record.kind === "netlink") return this.writeDatagram(record, record.bytes, 0, record.bytes.length);
    const block = this.#encoder.encode(record);
    if (!this.#admit(record.timeMs, block.length, 2 * this.#settings.queueBytes, MAX_BLOCK_BYTES)) return false;
    this.#encoder.append(block);
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
    if (!this.#admit(facts.timeMs, length, this.#settings.queueBytes, MAX_DATAGRAM_BYTES)) return false;
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
    if (this.#file === 0) this.#encoder.begin(1);
    this.#tellLoss(this.#lastMs);
    try {
      await this.flush();
    } finally {
      await this.#files.finish();
    }
  }

  /** Makes way for a record of that time: a new file when one is due, and word of what was lost before it. False when there is no room for it. */
  #admit(timeMs: number, bytes: number, queueLimit: number, lengthLimit: number): boolean {
    this.#lastMs = timeMs;
    const open = this.#closing === undefined && this.#failure === undefined;
    if (!open || bytes > lengthLimit || this.#queue.pendingBytes + bytes > queueLimit) {
      this.counts.dropped++;
      this.#loss ??= { sinceMs: timeMs, count: 0 };
      this.#loss.count++;
      return false;
    }
    if (this.#file === 0 || this.#rotationIsDue(timeMs)) this.#beginFile(timeMs);
    this.#tellLoss(timeMs);
    return true;
  }

  #tellLoss(timeMs: number): void {
    if (this.#loss === undefined) return;
    const { sinceMs, count } = this.#loss;
    this.#loss = undefined;
    const cause = "recorder";
    this.#encoder.append(this.#encoder.encode({ kind: "loss", timeMs, cause, netns: 0, family: 0, sinceMs, count }));
  }

  #rotationIsDue(timeMs: number): boolean {
    if (!this.#files.rotates) return false;
    if (timeMs - this.#fileStartedMs >= this.#settings.rotateMs) return true;
    // What a file begins with must not fill it, or every record would get a file of its own.
    const limit = Math.max(this.#settings.rotateBytes, 2 * this.#snapshotBytes);
    const encoded = this.#queue.totalBytes - this.#fileStartBytes;
    const { file, bytes, encodedBytes } = this.#files;
    return (file === this.#file ? encoded - encodedBytes + bytes : encoded) >= limit;
  }

  #beginFile(timeMs: number): void {
    this.#file++;
    this.counts.files = this.#file;
    this.#fileStartedMs = timeMs;
    this.#fileStartBytes = this.#queue.totalBytes;
    this.#encoder.begin(this.#file);
    for (const record of this.#settings.snapshot(timeMs)) {
      if (record.kind === "netlink") this.#encoder.packet(record, record.bytes, 0, record.bytes.length);
      else this.#encoder.append(this.#encoder.encode(record));
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

  /** Writes sealed chunks until there are none. What goes wrong is kept as the failure, not thrown. */
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
        this.counts.writtenBytes += await this.#files.write(chunk);
      } catch (error) {
        this.#failure = error;
        this.#settings.onFailure(error);
      }
      this.#queue.release(chunk);
    }
  }
}
