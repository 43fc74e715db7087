/** Which addresses a name server can know: those that mean the same on every host (RFC 6890 lists the others). */
import { isIpv4, isLoopback, isUnspecified, networkWord } from "@conntrail/model";

/** False for loopback, unspecified, link-local, multicast, reserved and broadcast addresses: they are never asked for. */
export function isAskable(words: Uint32Array, offset: number): boolean {
  if (isLoopback(words, offset) || isUnspecified(words, offset)) return false;
  if (isIpv4(words, offset)) {
    const address = networkWord(words[offset + 3]!);
    const first = address >>> 24;
    return first !== 0 && first < 224 && address >>> 16 !== 0xa9fe; // 0/8, 224/4 and 240/4, 169.254/16
  }
  const first = networkWord(words[offset]!);
  return first >>> 24 !== 0xff && first >>> 22 !== 0x3fa; // ff00::/8, fe80::/10
}
