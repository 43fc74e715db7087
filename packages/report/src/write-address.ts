/** Addresses written as bytes: the same text as the model's `formatAddress` (dotted quad, RFC 5952), without a string in between. */
import { isIpv4, networkWord } from "@conntrail/model";
import { type ByteWriter, fragment } from "./byte-writer.ts";

const COLON = 0x3a;
const GROUPS = 8;

/** Writes the address at `offset`. */
export function putAddress(writer: ByteWriter, words: Uint32Array, offset: number): void {
  if (isIpv4(words, offset)) putIpv4(writer, networkWord(words[offset + 3]!));
  else putIpv6(writer, words, offset);
}

function putIpv4(writer: ByteWriter, address: number): void {
  writer.reserve(16);
  const view = writer.view;
  let at = writer.position;
  for (let shift = 24; shift >= 0; shift -= 8) {
    const octet = (address >>> shift) & 255;
    view.setUint32(at, DOTTED[octet]!, true);
    at += DOTTED_LENGTH[octet]!;
  }
  writer.position = at - 1; // without the last dot
}

// One row at a time: filled and read before the next address.
const groups = new Uint16Array(GROUPS);

function putIpv6(writer: ByteWriter, words: Uint32Array, offset: number): void {
  for (let i = 0; i < GROUPS / 2; i++) {
    const word = networkWord(words[offset + i]!);
    groups[2 * i] = word >>> 16;
    groups[2 * i + 1] = word;
  }
  const run = longestZeroRun();
  const start = run >>> 8;
  const end = start + (run & 255);
  writer.reserve(GROUPS * 5);
  for (let i = 0; i < GROUPS; i++) {
    if (i === start && end > start) {
      writer.putByte(COLON);
      if (end === GROUPS) writer.putByte(COLON);
      i = end - 1;
    } else {
      if (i > 0) writer.putByte(COLON);
      putHex(writer, groups[i]!);
    }
  }
}

/** The first longest run of two or more zero groups, start << 8 | length; length 0 when there is none. */
function longestZeroRun(): number {
  let best = 0;
  for (let i = 0; i < GROUPS; i++) {
    let end = i;
    while (end < GROUPS && groups[end] === 0) end++;
    if (end - i > Math.max(1, best & 255)) best = (i << 8) | (end - i);
    if (end > i) i = end;
  }
  return best;
}

function putHex(writer: ByteWriter, value: number): void {
  let shift = value > 0xfff ? 12 : value > 0xff ? 8 : value > 0xf ? 4 : 0;
  for (; shift >= 0; shift -= 4) {
    const digit = (value >>> shift) & 15;
    writer.putByte(digit < 10 ? 0x30 + digit : 0x57 + digit);
  }
}

// Every octet in decimal with a dot behind it.
const DOTTED = new Uint32Array(256);
const DOTTED_LENGTH = new Uint8Array(256);
for (let octet = 0; octet < 256; octet++) {
  const dotted = fragment(`${octet}.`);
  DOTTED[octet] = dotted.words[0]!;
  DOTTED_LENGTH[octet] = dotted.length;
}
