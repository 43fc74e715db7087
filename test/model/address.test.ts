/** Addresses as four words. Source of the text forms: RFC 5952, RFC 4291. */
import {
  ADDRESS_WORDS,
  formatAddress,
  isIpv4,
  isLoopback,
  isUnspecified,
  networkWord,
  parseAddress,
  sameAddress,
  writeIpv4,
} from "@conntrail/model";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

describe("parsing and formatting", () => {
  const cases: readonly [string, string][] = [
    ["10.0.0.1", "10.0.0.1"],
    ["255.255.255.255", "255.255.255.255"],
    ["0.0.0.0", "0.0.0.0"],
    ["::", "::"],
    ["::1", "::1"],
    ["fd00:0:0:0:0:0:0:1", "fd00::1"],
    ["FD00::ABCD", "fd00::abcd"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["1::", "1::"],
    ["::ffff:10.0.0.1", "10.0.0.1"],
    ["::ffff:a00:1", "10.0.0.1"],
    ["fe80::1%eth0", "fe80::1"],
  ];
  test.each(cases)("%s is %s", (text, formatted) => {
    expect(formatAddress(parseAddress(text)!)).toBe(formatted);
  });

  test.each([
    "",
    "10.0.0",
    "10.0.0.256",
    "010.0.0.1",
    "0x0a.0.0.1",
    "10.1",
    ":::",
    "fd00::g",
    "localhost",
    "1:2:3:4:5:6:7:8:9",
  ])("%j is no address", (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  test("an IPv4 address lies in memory as its mapped IPv6 address does", () => {
    const bytes = new Uint8Array(parseAddress("10.1.2.3")!.buffer);
    expect([...bytes]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3]);
  });

  test("every address survives the way to text and back", () => {
    const byte = fc.constantFrom(0, 0, 0, 1, 0x7f, 0x80, 0xff);
    fc.assert(
      fc.property(fc.array(byte, { minLength: 16, maxLength: 16 }), (bytes) => {
        const words = new Uint32Array(Uint8Array.from(bytes).buffer);
        expect(parseAddress(formatAddress(words))).toEqual(words);
      }),
    );
  });

  test("every text of an IPv4 or IPv6 address survives the way to words and back", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const words = parseAddress(text)!;
        expect(words).toHaveLength(ADDRESS_WORDS);
        expect(parseAddress(formatAddress(words))).toEqual(words);
      }),
    );
  });

  test("any other text gives undefined, and never throws", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const words = parseAddress(text);
        if (words !== undefined) expect(parseAddress(formatAddress(words))).toEqual(words);
      }),
    );
  });
});

describe("what an address is", () => {
  const is = (test: (words: Uint32Array) => boolean, text: string): boolean => test(parseAddress(text)!);

  test.each(["127.0.0.1", "127.255.255.254", "::1"])("%s is loopback", (text) => {
    expect(is(isLoopback, text)).toBe(true);
  });

  test.each(["128.0.0.1", "126.255.255.255", "::", "::2", "0.0.0.0", "fd00::1", "::7f00:1", "1::1"])(
    "%s is not",
    (text) => {
      expect(is(isLoopback, text)).toBe(false);
    },
  );

  test("only 0.0.0.0 and :: are unspecified", () => {
    const all = ["0.0.0.0", "::", "0.0.0.1", "::1", "1::", "0:1::"];
    expect(all.filter((text) => is(isUnspecified, text))).toEqual(["0.0.0.0", "::"]);
  });

  test("only mapped addresses are IPv4", () => {
    const all = ["10.0.0.1", "0.0.0.0", "::", "::1", "::fffe:0:0", "1::ffff:10.0.0.1"];
    expect(all.filter((text) => is(isIpv4, text))).toEqual(["10.0.0.1", "0.0.0.0"]);
  });
});

test("a number in host order is written as the address that it reads as", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffffffff }), (address) => {
      const words = new Uint32Array(ADDRESS_WORDS + 1);
      writeIpv4(words, 1, address);
      const parts = [24, 16, 8, 0].map((shift) => (address >>> shift) & 255);
      expect(formatAddress(words, 1)).toBe(parts.join("."));
      expect(networkWord(networkWord(address))).toBe(address);
    }),
  );
});

test("addresses are the same when all of their words are", () => {
  const words = Uint32Array.of(1, 2, 3, 4, 1, 2, 3, 4);
  expect(sameAddress(words, 0, words, 4)).toBe(true);
  for (let i = 0; i < ADDRESS_WORDS; i++) {
    const other = words.slice();
    other[4 + i] = 9;
    expect(sameAddress(words, 0, other, 4)).toBe(false);
  }
});

test("the deprecated IPv4-compatible form is not taken for the IPv4-mapped one", () => {
  expect(formatAddress(parseAddress("::127.0.0.1")!)).toBe("::7f00:1");
  expect(formatAddress(parseAddress("::ffff:127.0.0.1")!)).toBe("127.0.0.1");
});
