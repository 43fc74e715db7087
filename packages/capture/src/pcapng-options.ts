/** Options of pcapng blocks: type, length, value padded to 4 bytes, until opt_endofopt or the block's end (draft-ietf-opsawg-pcapng, section 3.5). */
import { align4 } from "@conntrail/netlink";
import { OPTION } from "./enums.ts";

/** Calls `found` for each option between `start` and `end`; false when one reaches beyond `end`. */
export function eachOption(
  view: DataView,
  start: number,
  end: number,
  little: boolean,
  found: (code: number, offset: number, length: number) => void,
): boolean {
  let at = start;
  while (at + 4 <= end) {
    const code = view.getUint16(at, little);
    const length = view.getUint16(at + 2, little);
    if (code === OPTION.end) return true;
    if (at + 4 + length > end) return false;
    found(code, at + 4, length);
    at += 4 + align4(length);
  }
  return true;
}
