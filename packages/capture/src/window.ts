/**
 * A sliding window over a byte source: what a decoder looks at. The decoder takes whole pieces from its front and says how
 * many bytes it needs to go on; the window then moves what is left to its beginning and reads behind it.
 */
import type { ByteSource } from "./byte-source.ts";

/** The window. Bytes from `start` to `end` are there; offset `i` of `bytes` is byte `base + i` of the source. */
export class ReadWindow {
  bytes: Uint8Array<ArrayBuffer>;
  view: DataView<ArrayBuffer>;
  start = 0;
  end = 0;
  base = 0;
  /** The source has given its last byte. */
  ended = false;
  readonly #source: ByteSource;

  constructor(source: ByteSource, windowBytes: number) {
    this.#source = source;
    this.bytes = new Uint8Array(windowBytes);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Offset of `start` in the source. */
  get offset(): number {
    return this.base + this.start;
  }

  /**
   * Reads until at least `needed` bytes are there, growing the window if it must; false when the source ends before.
   * Moves the bytes: views of them that were handed out are no longer valid. The caller bounds `needed`.
   */
  async fill(needed: number): Promise<boolean> {
    this.#makeRoom(needed);
    do {
      if (this.ended) break;
      const got = await this.#source.read(this.bytes.subarray(this.end));
      if (got === 0) this.ended = true;
      this.end += got;
    } while (this.end - this.start < needed);
    return this.end - this.start >= needed;
  }

  /** Moves what is left to the front, keeping its alignment in the source, into larger memory when `needed` asks for it. */
  #makeRoom(needed: number): void {
    const front = this.offset % 8;
    const left = this.bytes.subarray(this.start, this.end);
    if (front + needed > this.bytes.length) {
      this.bytes = new Uint8Array(Math.max(2 * this.bytes.length, front + needed));
      this.view = new DataView(this.bytes.buffer);
      this.bytes.set(left, front);
    } else if (this.start !== front) {
      this.bytes.copyWithin(front, this.start, this.end);
    }
    this.base = this.offset - front;
    this.end = front + left.length;
    this.start = front;
  }
}
