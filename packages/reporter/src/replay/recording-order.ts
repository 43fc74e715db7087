/**
 * Whether the records of a recording of ours stand as they were written. Programs that know the format and not us can merge recordings, shift the times of
 * packets alone, or put one behind another; the reports would then tell things twice, or at the wrong time (F66).
 */
import { CaptureError, type CaptureReader, type SidecarRecord } from "@conntrail/capture";

/** How far records of one recording may lie behind one another. They are written as they come: far below this. */
const DISORDER_MS = 30_000;
/** The last moment of the year 9999. */
const MAX_TIME_MS = 253_402_300_799_999;
/** How far the next file of a rotated recording may begin before the last record of the one in front of it. */
const FILES_OVERLAP_MS = 2_000;

/** Looks at the records of one file, or of several that follow one another. */
export class RecordingOrder {
  readonly #reader: CaptureReader;
  /** The section in which the last host record stood; undefined before the first: such a file is not ours. */
  #section: number | undefined;
  #latestMs = Number.NEGATIVE_INFINITY;

  constructor(reader: CaptureReader) {
    this.#reader = reader;
  }

  /** A record beside the packets. Throws CaptureError. */
  record({ kind, timeMs }: SidecarRecord): void {
    if (kind === "host") this.#beginFile(timeMs);
    this.time(timeMs);
  }

  /** The time of a record or packet. Throws CaptureError. */
  time(timeMs: number): void {
    if (this.#section === undefined || !(timeMs >= 0 && timeMs <= MAX_TIME_MS)) return; // the clock counts what cannot be
    const apartMs = this.#latestMs - timeMs;
    if (apartMs > DISORDER_MS) {
      const facts = `packets and what stands between them are ${Math.round(apartMs / 1000)} s apart: their times were changed (editcap -t)`;
      throw this.#error("corrupt", facts);
    }
    if (timeMs > this.#latestMs) this.#latestMs = timeMs;
  }

  /** Each file of ours is a section, and begins with the host. */
  #beginFile(timeMs: number): void {
    const { sections } = this.#reader.counts;
    if (this.#section === sections) {
      throw this.#error("unsupported", "two recordings merged into one: replay the files, in their order, instead");
    }
    if (this.#latestMs - timeMs > FILES_OVERLAP_MS) {
      throw this.#error("corrupt", "a recording that was made before the one in front of it");
    }
    this.#section = sections;
  }

  #error(code: "corrupt" | "unsupported", facts: string): CaptureError {
    const { counts } = this.#reader;
    return new CaptureError(code, counts.bytes, facts, { ...counts });
  }
}
