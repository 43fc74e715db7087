/** Random damage for the fuzzers: seeded, so that a finding can be had again. */

/** A generator of numbers from 0 up to, not including, `below` (mulberry32). */
export type Random = (below: number) => number;

/** The generator of a seed. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** Values that lengths, types and counts break at. */
const EDGES: readonly number[] = [
  0, 1, 3, 4, 7, 8, 11, 12, 15, 16, 17, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffc,
  0xffffffff,
];

/** A damaged copy: bits turned, words set to edge values, pieces cut out, doubled, moved or taken from another sample. */
export function mutate(sample: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes = Buffer.from(sample);
  for (let left = 1 + random(4); left > 0 && bytes.length > 0; left--) {
    const at = random(bytes.length);
    const length = Math.min(random(random(8) === 0 ? 4096 : 64), bytes.length - at);
    const before = bytes.subarray(0, at);
    const piece = bytes.subarray(at, at + length);
    const after = bytes.subarray(at + length);
    switch (random(8)) {
      case 0:
        bytes[at]! ^= 1 << random(8);
        break;
      case 1:
        bytes[at] = random(256);
        break;
      case 2:
        if (at + 4 <= bytes.length) bytes.writeUInt32LE(EDGES[random(EDGES.length)]!, at & ~3);
        break;
      case 3:
        if (at + 2 <= bytes.length) bytes.writeUInt16LE(EDGES[random(EDGES.length)]! & 0xffff, at & ~1);
        break;
      case 4:
        bytes = Buffer.concat([before, after]);
        break;
      case 5:
        bytes = Buffer.concat([before, piece, piece, after]);
        break;
      case 6:
        bytes = Buffer.from(before);
        break;
      default: {
        const other = others[random(others.length)]!;
        const from = random(other.length);
        bytes = Buffer.concat([before, other.subarray(from, from + length), after]);
      }
    }
  }
  return bytes;
}
