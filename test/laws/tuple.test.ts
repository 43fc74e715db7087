/** Laws of tuples and their keys (S4). */
import { compareEnds, formatEnd, hashEnd, reverse, TUPLE_KEY_WORDS, type Tuple, tupleKey } from "@conntrail/model";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const word = fc.oneof(fc.constantFrom(0, 1, 0xffff0000, 0xffffffff), fc.integer({ min: 0, max: 0xffffffff }));
const end = fc.record(
  {
    address: fc.array(word, { minLength: 4, maxLength: 4 }).map((words) => Uint32Array.from(words)),
    port: fc.oneof(fc.constantFrom(0, 80, 65_535), fc.integer({ min: 0, max: 65_535 })),
  },
  { noNullPrototype: true },
);
const tuple: fc.Arbitrary<Tuple> = fc.record(
  { protocol: fc.constantFrom(1, 6, 17, 132), source: end, destination: end },
  { noNullPrototype: true },
);

describe("S4 a tuple", () => {
  test("S4 has the same key in both directions", () => {
    fc.assert(
      fc.property(tuple, (each) => {
        expect(tupleKey(each)).toEqual(tupleKey(reverse(each)));
        expect(tupleKey(each)).toHaveLength(TUPLE_KEY_WORDS);
      }),
    );
  });

  test("S4 reversed twice is itself", () => {
    fc.assert(
      fc.property(tuple, (each) => {
        expect(reverse(reverse(each))).toEqual(each);
      }),
    );
  });

  test("S4 has another key than every tuple with other ends or another protocol", () => {
    fc.assert(
      fc.property(tuple, tuple, (a, b) => {
        const same = JSON.stringify(a) === JSON.stringify(b) || JSON.stringify(a) === JSON.stringify(reverse(b));
        expect(JSON.stringify(tupleKey(a)) === JSON.stringify(tupleKey(b))).toBe(same);
      }),
    );
  });
});

describe("ends", () => {
  test("have a total order", () => {
    fc.assert(
      fc.property(end, end, end, (a, b, c) => {
        expect(Math.sign(compareEnds(a, b))).toBe(-Math.sign(compareEnds(b, a)) + 0);
        expect(compareEnds(a, b) === 0).toBe(JSON.stringify(a) === JSON.stringify(b));
        if (compareEnds(a, b) <= 0 && compareEnds(b, c) <= 0) expect(compareEnds(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });

  test("have a hash that does not depend on where they are stored, and is a 32-bit number", () => {
    fc.assert(
      fc.property(end, fc.integer({ min: 0, max: 9 }), ({ address, port }, offset) => {
        const stored = new Uint32Array(offset + 4);
        stored.set(address, offset);
        const hash = hashEnd(stored, offset, port);
        expect(hash).toBe(hashEnd(address, 0, port));
        expect(hash).toBe(hash >>> 0);
      }),
    );
  });

  test("of neighbouring clients are spread over a table", () => {
    const buckets = new Uint32Array(4096);
    const words = new Uint32Array(4);
    for (let port = 32_768; port < 32_768 + 4096; port++) {
      words[3] = 0x0100000a;
      const at = hashEnd(words, 0, port) & 4095;
      buckets[at] = buckets[at]! + 1;
    }
    // As many balls as boxes: a fair hash leaves about 1/e of them empty.
    expect(buckets.filter((count) => count === 0).length / 4096).toBeCloseTo(Math.exp(-1), 1);
    expect(Math.max(...buckets)).toBeLessThan(12);
  });

  test("are written with their port, IPv6 in brackets", () => {
    const mapped = new Uint32Array(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1).buffer);
    expect(formatEnd({ address: mapped, port: 80 })).toBe("10.0.0.1:80");
    const loopback = new Uint32Array(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1).buffer);
    expect(formatEnd({ address: loopback, port: 80 })).toBe("[::1]:80");
  });
});
