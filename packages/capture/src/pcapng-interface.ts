/** Interface Description Blocks: link type, and from the options name, time resolution and time offset (draft-ietf-opsawg-pcapng, section 4.2). */
import { OPTION } from "./enums.ts";
import type { CaptureInterface } from "./intake.ts";
import { interfaceNamespace } from "./interface-name.ts";
import { eachOption } from "./pcapng-options.ts";

/** An interface of a section. */
export interface PcapngInterface extends CaptureInterface {
  readonly linkType: number;
  /** Time stamps divided by this are milliseconds. */
  readonly unitsPerMs: number;
  /** Milliseconds to add (if_tsoffset). */
  readonly offsetMs: number;
}

/** The block whose body lies between `start` and `end`, at least 8 bytes; `undefined` when its options contradict their lengths. */
export function decodeInterface(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  little: boolean,
): PcapngInterface | undefined {
  let name = "";
  let unitsPerMs = 1000; // without if_tsresol: microseconds
  let offsetMs = 0;
  const whole = eachOption(view, start + 8, end, little, (code, at, length) => {
    if (code === OPTION.interfaceName) name = latin1(bytes, at, length);
    if (code === OPTION.timeResolution && length === 1) unitsPerMs = resolution(bytes[at]!);
    if (code === OPTION.timeOffset && length === 8) offsetMs = Number(view.getBigInt64(at, little)) * 1000;
  });
  if (!whole) return undefined;
  const linkType = view.getUint16(start, little);
  return { linkType, netns: interfaceNamespace(name), unitsPerMs, offsetMs, netfilter: -1, sockDiag: -1 };
}

/** The Unix milliseconds of a packet's time stamp, exact to the double's last bit for whole numbers of units in a millisecond. */
export function packetTime(from: PcapngInterface, high: number, low: number): number {
  const { unitsPerMs, offsetMs } = from;
  const highUnits = high * 0x1_0000_0000;
  if (unitsPerMs <= 1000) return (highUnits + low) / unitsPerMs + offsetMs;
  // Nanoseconds since 1970 need more bits than a double has: whole milliseconds and the rest are kept apart.
  const rest = highUnits % unitsPerMs;
  const whole = Math.round((highUnits - rest) / unitsPerMs);
  return whole + (rest + low) / unitsPerMs + offsetMs;
}

/** if_tsresol: a negative power of 2 when the highest bit is set, else of 10. */
function resolution(value: number): number {
  return (value & 0x80) !== 0 ? 2 ** (value & 0x7f) / 1000 : 10 ** (value - 3);
}

function latin1(bytes: Uint8Array, at: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString("latin1");
}
