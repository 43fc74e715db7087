/** Many small values as one block of UTF-8 JSON: it crosses threads without being copied, and each value is parsed only when it is read. */
import { ByteWriter } from "./byte-writer.ts";

/** A list that is read by index. An array is one. */
export interface Records<T> {
  readonly length: number;
  at(index: number): T | undefined;
}

/** The block. Value `i` is the JSON text between byte `offsets[i]` and byte `offsets[i + 1]`. */
export interface PackedRecords {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly offsets: Uint32Array<ArrayBuffer>;
}

/** Bytes guessed for a value. */
const TYPICAL_BYTES = 64;

/** Packs values that JSON can hold. */
export function packRecords(values: readonly unknown[]): PackedRecords {
  const writer = new ByteWriter(values.length * TYPICAL_BYTES);
  const offsets = new Uint32Array(values.length + 1);
  for (const [i, value] of values.entries()) {
    writer.putText(JSON.stringify(value));
    offsets[i + 1] = writer.position;
  }
  return { bytes: writer.finish(), offsets };
}

/** Reads packed values: each is parsed at its first reading, and is the same object at the next one. */
export function openRecords<T>({ bytes, offsets }: PackedRecords): Records<T> {
  const block = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = offsets.length - 1;
  const parsed: T[] = [];
  return {
    length,
    at(index: number): T | undefined {
      if (!(index >= 0 && index < length)) return undefined;
      parsed[index] ??= JSON.parse(block.toString("utf8", offsets[index], offsets[index + 1])) as T;
      return parsed[index];
    },
  };
}
