/** Sidecar blocks, the way back from pcapng-encode.ts: a Custom Block's body to a record (docs/capture-format.md). */
import type { DecoderState } from "./decoder.ts";
import { ENTERPRISE_NUMBER, SIDECAR_MAGIC, SIDECAR_VERSION } from "./enums.ts";
import { SIDECAR_HEADER_BYTES } from "./pcapng-encode.ts";
import type { SidecarRecord } from "./records.ts";
import { sidecarKind } from "./sidecar-kind.ts";
import { parseSidecar } from "./sidecar-parse.ts";

const MAGIC = Buffer.from(`${SIDECAR_MAGIC}\0`, "latin1");

/** The record in the custom block whose body lies between `start` and `end`; `undefined`, and counted, when it holds none that is read here. */
export function decodeSidecar(
  state: DecoderState,
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  little: boolean,
): SidecarRecord | undefined {
  const { counts } = state;
  if (!isOurs(bytes, view, start, end, little)) {
    counts.skippedBlocks++;
    return undefined;
  }
  const kind = sidecarKind(view.getUint16(start + 16, little));
  if (view.getUint16(start + 14, little) > SIDECAR_VERSION || kind === undefined) {
    counts.unknownSidecars++;
    return undefined;
  }
  const timeMs = (view.getUint32(start + 20, little) * 0x1_0000_0000 + view.getUint32(start + 24, little)) / 1000;
  const payloadStart = start + SIDECAR_HEADER_BYTES;
  const payloadBytes = view.getUint32(start + 28, little);
  const record =
    payloadStart + payloadBytes <= end ? parse(kind, timeMs, bytes, payloadStart, payloadBytes) : undefined;
  if (record === undefined) counts.badSidecars++;
  else counts.sidecars++;
  return record;
}

function isOurs(bytes: Uint8Array, view: DataView, start: number, end: number, little: boolean): boolean {
  if (end - start < SIDECAR_HEADER_BYTES || view.getUint32(start, little) !== ENTERPRISE_NUMBER) return false;
  return MAGIC.equals(bytes.subarray(start + 4, start + 4 + MAGIC.length));
}

function parse(
  kind: SidecarRecord["kind"],
  timeMs: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): SidecarRecord | undefined {
  let payload: unknown;
  try {
    payload = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString("utf8"));
  } catch {
    return undefined; // counted by the caller as a bad sidecar
  }
  return parseSidecar(kind, timeMs, payload);
}
