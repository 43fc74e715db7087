/** Rings made by a test: what the kernel writes (perf_event_open(2)), and where. */

const CONTROL_BYTES = 4096;
const HEAD = 1024 / 8;
const TAIL = 1032 / 8;

/** A record as the kernel writes it: its type and the bytes behind the header, a multiple of eight. */
export interface WrittenRecord {
  readonly type: number;
  readonly misc?: number;
  readonly body: Uint8Array;
}

/** The kernel's side of a ring. */
export class WrittenRing {
  readonly buffer: ArrayBuffer;
  readonly controlBytes = CONTROL_BYTES;
  readonly #control: BigInt64Array;
  readonly #data: Uint8Array;

  /** `bytes` is a power of two; head and tail begin at `start`, as after a long life. */
  constructor(bytes: number, start = 0) {
    this.buffer = new ArrayBuffer(CONTROL_BYTES + bytes);
    this.#control = new BigInt64Array(this.buffer, 0, CONTROL_BYTES / 8);
    this.#data = new Uint8Array(this.buffer, CONTROL_BYTES);
    this.#control[HEAD] = BigInt(start);
    this.#control[TAIL] = BigInt(start);
  }

  get tail(): number {
    return Number(this.#control[TAIL]!);
  }

  get head(): number {
    return Number(this.#control[HEAD]!);
  }

  /** Bytes that are free. */
  get room(): number {
    return this.#data.length - (this.head - this.tail);
  }

  /** Writes a record; false when there is no room. */
  write({ type, misc = 0, body }: WrittenRecord): boolean {
    const bytes = new Uint8Array(8 + body.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, type, true);
    view.setUint16(4, misc, true);
    view.setUint16(6, bytes.length, true);
    bytes.set(body, 8);
    return this.writeBytes(bytes);
  }

  /** Writes any bytes; false when there is no room. */
  writeBytes(bytes: Uint8Array): boolean {
    if (bytes.length > this.room) return false;
    for (let i = 0; i < bytes.length; i++) this.#data[(this.head + i) % this.#data.length] = bytes[i]!;
    this.#control[HEAD] = BigInt(this.head + bytes.length);
    return true;
  }
}

/** The bytes of a record that the reader shows. */
export function shownBytes(ring: { words: Uint32Array; at: number; sizeBytes: number }): Uint8Array {
  const { words, at, sizeBytes } = ring;
  return Uint8Array.from(new Uint8Array(words.buffer, words.byteOffset + at * 4, sizeBytes));
}
