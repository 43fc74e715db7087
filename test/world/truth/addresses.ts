/** The addresses of the simulated world, each known by a small number; an end is such a number and a port in one. */
import { ADDRESS_WORDS, parseAddress } from "@conntrail/model";

/** An address and a port: `place of the address * 65,536 + port`. */
export type End = number;

/** One address in every form that is asked for. */
export interface Address {
  readonly text: string;
  readonly family: 4 | 6;
  /** 4 or 16 bytes in network order. */
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
}

const TEXTS = [
  ...["127.0.0.1", "10.0.0.1", "10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.4", "10.1.0.5"],
  ...["192.0.2.1", "192.0.2.2", "192.0.2.3", "10.96.0.2", "10.96.0.3", "10.96.0.4", "10.96.0.5"],
  ...["::1", "fd00::101", "fd01::201", "fd01::202", "fd01::203", "fd01::204", "fd01::205"],
  ...["2001:db8::301", "2001:db8::302", "2001:db8::303", "fd96::402", "fd96::403", "fd96::404", "fd96::405"],
  ...["0.0.0.0", "::"],
] as const;

/** All addresses. */
export const ADDRESSES: readonly Address[] = TEXTS.map((text) => {
  const words = parseAddress(text)!;
  const family = text.includes(":") ? 6 : 4;
  const whole = new Uint8Array(words.buffer, words.byteOffset, ADDRESS_WORDS * 4);
  return { text, family, words, bytes: family === 4 ? whole.slice(12) : whole.slice() };
});

const PLACES = new Map<string, number>(TEXTS.map((text, place) => [text, place]));

/** By the last word, which no two of the addresses have in common, but for :: and 0.0.0.0. */
const BY_LAST_WORD = new Map<number, number>(ADDRESSES.map(({ words }, place) => [words[3]!, place]));

/** An end. Throws RangeError for an address that the world does not have. */
export function end(address: string, port: number): End {
  const place = PLACES.get(address);
  if (place === undefined) throw new RangeError(`no such address: ${address}`);
  return place * 65_536 + port;
}

export function addressOf(of: End): Address {
  return ADDRESSES[of >>> 16]!;
}

export function portOf(of: End): number {
  return of & 0xffff;
}

/** The end whose address is the four words at `offset`; -1 when the world has no such address. */
export function endOfWords(words: Uint32Array, offset: number, port: number): End {
  const place = BY_LAST_WORD.get(words[offset + 3]!);
  if (place === undefined) return -1;
  const known = ADDRESSES[place]!.words;
  for (let i = 0; i < ADDRESS_WORDS - 1; i++) if (known[i] !== words[offset + i]) return -1;
  return place * 65_536 + port;
}

/** `10.0.0.1:80`, `[fd00::101]:80`. */
export function textOf(of: End): string {
  if (of < 0) return "unknown address";
  const { text, family } = addressOf(of);
  return family === 4 ? `${text}:${portOf(of)}` : `[${text}]:${portOf(of)}`;
}
