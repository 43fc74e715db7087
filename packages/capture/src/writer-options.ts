/** What a recording can be told, and what it does when it is told nothing. */
import { machine, release, type } from "node:os";
import { NETLINK_FAMILY } from "@conntrail/netlink";
import type { CaptureSource } from "./batch.ts";
import type { SectionFacts } from "./pcapng-encode.ts";
import type { CaptureRecord } from "./records.ts";

/** Options of `createCaptureWriter`. */
export interface CaptureWriterOptions {
  /** gzip, one member per chunk. Default false. */
  readonly compress?: boolean;
  /** Begin a new file when one has reached so many bytes (as they lie on the disk), at least 64 KiB. Default: never. */
  readonly rotateBytes?: number;
  /** Begin a new file when a record is so many milliseconds later than the file's first. Default: never. */
  readonly rotateMs?: number;
  /** With rotation: keep so many files, delete older ones. Default: keep all. */
  readonly maxFiles?: number;
  /** Encoded bytes that may wait for the disk. Packets beyond are dropped and counted; sidecar records may take twice as much. Default 32 MiB. */
  readonly queueBytes?: number;
  /** Bytes written at once. Default 256 KiB. */
  readonly chunkBytes?: number;
  /** Milliseconds after which a chunk is written although it is not full: what a killed process may lose. Default 500. */
  readonly flushMs?: number;
  /** fdatasync each file when it is complete. Default true. */
  readonly sync?: boolean;
  /** Interfaces known beforehand, declared at the start of the first file; at least one. Default: netfilter of an unknown namespace. */
  readonly interfaces?: readonly CaptureSource[];
  /** What the section header says of the writer. */
  readonly section?: Partial<SectionFacts>;
  /**
   * State that a reader needs at the start of a file, so that each file stands for itself: host, options, namespaces, owners,
   * names. Called at the first record of every file, with that record's time.
   */
  readonly snapshot?: (timeMs: number) => Iterable<CaptureRecord>;
  /** Told once when writing fails for good (an OpError). Nothing more is recorded; `close()` fails with the same error. */
  readonly onFailure?: (error: unknown) => void;
}

/** Every option present. */
export interface WriterSettings extends Required<Omit<CaptureWriterOptions, "section">> {
  readonly section: SectionFacts;
}

/** Fills the defaults in. Throws RangeError for what cannot work. */
export function writerSettings(options: CaptureWriterOptions): WriterSettings {
  const rotateBytes = options.rotateBytes ?? Number.POSITIVE_INFINITY;
  if (!(rotateBytes >= MIN_FILE_BYTES)) {
    throw new RangeError(`rotateBytes: expected at least ${MIN_FILE_BYTES}, got ${rotateBytes}`);
  }
  const rotateMs = options.rotateMs ?? Number.POSITIVE_INFINITY;
  if (!(rotateMs > 0)) throw new RangeError(`rotateMs: expected more than 0, got ${rotateMs}`);
  const maxFiles = options.maxFiles ?? Number.POSITIVE_INFINITY;
  if (!(maxFiles >= 1)) throw new RangeError(`maxFiles: expected at least 1, got ${maxFiles}`);
  return {
    compress: options.compress ?? false,
    rotateBytes,
    rotateMs,
    maxFiles,
    queueBytes: options.queueBytes ?? 32 * 1024 * 1024,
    chunkBytes: options.chunkBytes ?? 256 * 1024,
    flushMs: options.flushMs ?? 500,
    sync: options.sync ?? true,
    interfaces: options.interfaces?.length ? options.interfaces : [{ netns: 0, family: NETLINK_FAMILY.netfilter }],
    section: {
      hardware: machine(),
      operatingSystem: `${type()} ${release()}`,
      application: "conntrail",
      ...options.section,
    },
    snapshot: options.snapshot ?? (() => []),
    onFailure: options.onFailure ?? (() => {}),
  };
}

const MIN_FILE_BYTES = 64 * 1024;
