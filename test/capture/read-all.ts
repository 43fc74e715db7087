/** Reads a whole capture from memory and hands back everything that came out of it, the error included. */
import {
  type CaptureCounts,
  CaptureError,
  type CaptureReader,
  type CaptureRecord,
  type ParseError,
  packetRecord,
  type ReadOptions,
  readCapture,
} from "@conntrail/capture";

/** What reading gave. */
export interface Outcome {
  readonly records: readonly CaptureRecord[];
  readonly error: CaptureError | undefined;
  readonly problems: readonly ParseError[];
  readonly counts: Readonly<CaptureCounts>;
  readonly reader: CaptureReader;
}

/** Reads the bytes in one chunk or several; an error that is no CaptureError is thrown. */
export async function readAll(
  input: string | Uint8Array,
  options: ReadOptions = {},
  chunkBytes = Number.POSITIVE_INFINITY,
): Promise<Outcome> {
  const problems: ParseError[] = [];
  const onProblem = (problem: ParseError): void => void problems.push(problem);
  const reader = readCapture(typeof input === "string" ? input : chunks(input, chunkBytes), { onProblem, ...options });
  const records: CaptureRecord[] = [];
  let error: CaptureError | undefined;
  try {
    for await (const item of reader) {
      if (item.kind !== "packets") records.push(item);
      else for (let i = 0; i < item.count; i++) records.push(packetRecord(reader, item, i));
    }
  } catch (thrown) {
    if (!(thrown instanceof CaptureError)) throw thrown;
    error = thrown;
  }
  return { records, error, problems, counts: reader.counts, reader };
}

/** Bytes in pieces of a size. */
export async function* chunks(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  if (!Number.isFinite(chunkBytes)) yield bytes;
  else for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}
