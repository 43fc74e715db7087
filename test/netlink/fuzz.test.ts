/** Every fixture, cut at each byte and changed at each byte: a value or a DecodeError, and never a read outside the bytes. */
import { decodeConntrack, decodeInetDiag, isDecodeError } from "@conntrail/netlink";
import { describe, expect, test } from "vitest";
import { type Fixture, fixtures } from "./bytes.ts";

/** Values that turn lengths, types and counts into nonsense. */
const BAD_BYTES = [0x00, 0x01, 0x03, 0x04, 0x7f, 0x80, 0xff];

const KINDS = [
  { folder: "ctnetlink", decode: decodeConntrack },
  { folder: "sock-diag", decode: decodeInetDiag },
] as const;

describe.each(KINDS)("$folder", ({ folder, decode }) => {
  const all: readonly Fixture[] = fixtures(folder);

  test("cut short at any byte, the header's length kept", () => {
    for (const { name, bytes } of all) {
      for (let length = 0; length < bytes.length; length++) {
        const code = outcome(() => decode(bytes.slice(0, length)));
        expect(code, `${name} cut to ${length}`).toBe("truncated");
      }
    }
  });

  test("cut short at any byte, the header's length with it", () => {
    let values = 0;
    for (const { name, bytes } of all) {
      for (let length = 16; length < bytes.length; length++) {
        const cut = bytes.slice(0, length);
        new DataView(cut.buffer).setUint32(0, length, true);
        const code = outcome(() => decode(cut));
        if (code === "value") values++;
        else expect(code, `${name} cut to ${length}`).toMatch(/^(truncated|missing-attribute)$/);
      }
    }
    expect(values, "some cuts fall between two attributes").toBeGreaterThan(0);
  });

  test("changed at any one byte", () => {
    const seen = new Set<string>();
    for (const { bytes } of all) {
      const copy = bytes.slice();
      for (let i = 0; i < bytes.length; i++) {
        for (const bad of BAD_BYTES) {
          copy[i] = bad;
          seen.add(outcome(() => decode(copy)));
        }
        copy[i] = bytes[i]!;
      }
    }
    expect([...seen]).toEqual(expect.arrayContaining(["value", "truncated", "bad-length", "unexpected-message"]));
  });

  test("nothing is read beyond the stretch that is given", () => {
    for (const { bytes } of all) {
      const around = new Uint8Array(bytes.length + 64).fill(0xff);
      around.set(bytes, 32);
      expect(decode(around, 32, bytes.length)).toEqual(decode(bytes));
      expect(outcome(() => decode(around, 32, bytes.length - 1))).toBe("truncated");
    }
  });
});

/** `value`, or the code of the DecodeError; any other throw fails the test. */
function outcome(decode: () => unknown): string {
  try {
    decode();
    return "value";
  } catch (error) {
    if (isDecodeError(error)) return error.code;
    throw error;
  }
}
