/** Attributes: lengths, types, padding, nesting, and what each reader makes of a payload. Source: `linux/netlink.h`. */
import { AttributeCursor, MessageWriter } from "@conntrail/netlink";
import { describe, expect, test } from "vitest";
import { hex } from "./bytes.ts";

type Seen = readonly [type: number, start: number, length: number];

interface WalkRow {
  readonly name: string;
  readonly bytes: string;
  readonly seen: readonly Seen[];
  readonly error?: { readonly code: string; readonly offset: number; readonly message: string };
}

const WALKS: readonly WalkRow[] = [
  { name: "no bytes are no attributes", bytes: "", seen: [] },
  { name: "an attribute without a payload", bytes: "0400 0100", seen: [[1, 4, 0]] },
  { name: "a payload of one byte, padded", bytes: "0500 0200 ff000000", seen: [[2, 4, 1]] },
  { name: "the last attribute may lack its padding", bytes: "0500 0200 ff", seen: [[2, 4, 1]] },
  {
    name: "two attributes, the first one padded",
    bytes: `
      0600 0100 aabb 0000
      0800 0300 01020304`,
    seen: [
      [1, 4, 2],
      [3, 12, 4],
    ],
  },
  { name: "the flags for nesting and byte order do not belong to the type", bytes: "0400 01c0", seen: [[1, 4, 0]] },
  { name: "the largest type", bytes: "0400 ff3f", seen: [[0x3fff, 4, 0]] },
  {
    name: "a header cut short",
    bytes: "0400 0100 0500",
    seen: [[1, 4, 0]],
    error: { code: "truncated", offset: 4, message: "truncated: expected an attribute of 4 bytes, got 2" },
  },
  {
    name: "a length of zero does not go round for ever",
    bytes: "0000 0100 00000000",
    seen: [],
    error: { code: "bad-length", offset: 0, message: "bad-length: expected an attribute of 4 bytes, got 0" },
  },
  {
    name: "a length beyond the end",
    bytes: "0900 0100 01020304",
    seen: [],
    error: { code: "truncated", offset: 0, message: "truncated: expected an attribute of 9 bytes, got 8" },
  },
];

describe("walking", () => {
  test.each(WALKS)("$name", ({ bytes, seen, error }) => {
    const at = new AttributeCursor(hex(bytes)).over(0, 1000);
    const found: Seen[] = [];
    const walk = (): void => {
      while (at.next()) found.push([at.type, at.start, at.length]);
    };
    if (error === undefined) walk();
    else {
      expect(walk).toThrow(expect.objectContaining({ name: "DecodeError", path: "", ...error }));
      expect(at.next(), "what follows is passed over").toBe(false);
    }
    expect(found).toEqual(seen);
  });
});

interface ReadRow {
  readonly name: string;
  readonly payload: string;
  readonly read: (at: AttributeCursor) => unknown;
  readonly value?: unknown;
  readonly error?: string;
}

const READS: readonly ReadRow[] = [
  { name: "a byte", payload: "fe", read: (at) => at.u8("x"), value: 0xfe },
  { name: "16 bits in network order", payload: "1f90", read: (at) => at.u16be("x"), value: 8080 },
  {
    name: "32 bits in network order, not negative",
    payload: "fffffffe",
    read: (at) => at.u32be("x"),
    value: 0xfffffffe,
  },
  { name: "32 bits in host order", payload: "01000080", read: (at) => at.u32("x"), value: 0x80000001 },
  {
    name: "64 bits in network order, beyond what a double holds",
    payload: "ffffffff fffffffe",
    read: (at) => at.u64be("x"),
    value: 0xfffffffffffffffen,
  },
  {
    name: "64 bits in host order",
    payload: "01000000 00000080",
    read: (at) => at.u64("x"),
    value: 0x8000000000000001n,
  },
  { name: "text up to its NUL", payload: "667470 00 ff", read: (at) => at.text(), value: "ftp" },
  { name: "text without a NUL", payload: "736970", read: (at) => at.text(), value: "sip" },
  { name: "text of any bytes", payload: "e9ff", read: (at) => at.text(), value: "éÿ" },
  { name: "a copy", payload: "0102", read: (at) => at.copy(), value: Uint8Array.of(1, 2) },
  { name: "a number of more bytes from its front", payload: "0064 0000", read: (at) => at.u16be("zone"), value: 100 },
  {
    name: "an address of more bytes not at all",
    payload: "7f000001 00",
    read: (at) => at.expect(4, "v4-src"),
    error: "bad-length: v4-src: expected 4 bytes, got 5",
  },
  {
    name: "one byte for two",
    payload: "01",
    read: (at) => at.u16be("zone"),
    error: "truncated: zone: expected 2 bytes, got 1",
  },
  {
    name: "nothing for four",
    payload: "",
    read: (at) => at.u32be("id"),
    error: "truncated: id: expected 4 bytes, got 0",
  },
  {
    name: "seven for eight",
    payload: "00000000 000000",
    read: (at) => at.u64be("b"),
    error: "truncated: b: expected 8 bytes, got 7",
  },
];

describe("reading", () => {
  test.each(READS)("$name", ({ payload, read, value, error }) => {
    const bytes = hex(payload);
    const writer = new MessageWriter();
    writer.bytesOf(9, bytes);
    const at = new AttributeCursor(writer.bytes).over(0, writer.bytes.length);
    expect(at.next()).toBe(true);
    if (error === undefined) expect(read(at)).toEqual(value);
    else expect(() => read(at)).toThrow(expect.objectContaining({ message: error }));
  });

  test("what is read is a copy: later changes of the bytes do not show", () => {
    const bytes = hex("0800 0100 01020304");
    const at = new AttributeCursor(bytes).over(0, 8);
    at.next();
    const copy = at.copy();
    bytes.fill(0);
    expect(copy).toEqual(Uint8Array.of(1, 2, 3, 4));
  });
});

describe("nesting", () => {
  const bytes = hex(`
    1400 0180 # outer
      0c00 0280 # inner
        0500 0100 06000000 # leaf
      0400 0300
    0400 0700`);

  test("a nested cursor keeps to its payload", () => {
    const at = new AttributeCursor(bytes).over(0, bytes.length);
    at.next();
    const outer = at.nested("outer");
    outer.next();
    const inner = outer.nested("inner");
    expect([inner.next(), inner.type, inner.u8("leaf"), inner.next()]).toEqual([true, 1, 6, false]);
    expect([outer.next(), outer.type, outer.next()]).toEqual([true, 3, false]);
    expect([at.next(), at.type, at.next()]).toEqual([true, 7, false]);
  });

  test("an error names the attributes from the outside in", () => {
    const at = new AttributeCursor(bytes).over(0, bytes.length);
    at.next();
    const outer = at.nested("tuple-orig");
    outer.next();
    const inner = outer.nested("proto");
    inner.next();
    expect(() => inner.u16be("src-port")).toThrow(
      expect.objectContaining({
        code: "truncated",
        offset: 12,
        path: "tuple-orig: proto",
        message: "truncated: tuple-orig: proto: src-port: expected 2 bytes, got 1",
      }),
    );
  });

  test("a nested attribute cannot reach beyond the one that holds it", () => {
    const overlong = hex("0c00 0180 0c00 0100 00000000 00000000");
    const at = new AttributeCursor(overlong).over(0, overlong.length);
    at.next();
    expect(() => at.nested("outer").next()).toThrow(
      expect.objectContaining({ code: "truncated", path: "outer", offset: 4 }),
    );
  });
});

describe("writing", () => {
  test("messages one after the other, padded, with nested attributes and their lengths", () => {
    const writer = new MessageWriter(4);
    writer.begin({ type: 0x100, flags: 5, sequence: 3, portId: 9 });
    writer.raw(hex("02000000"));
    const outer = writer.beginNested(1);
    writer.u8(1, 6);
    writer.u16be(2, 8080);
    writer.endNested(outer);
    writer.text(2, "ftp");
    writer.end();
    writer.begin({ type: 2, flags: 0 });
    writer.u64be(4, 258n);
    writer.u32(5, 1);
    writer.u32be(6, 1);
    writer.end();
    expect(writer.bytes).toEqual(
      hex(`
        30000000 00010500 03000000 09000000 02000000
        1400 0180
          0500 0100 06000000
          0600 0200 1f900000
        0800 0200 66747000

        2c000000 02000000 00000000 00000000
        0c00 0400 00000000 00000102
        0800 0500 01000000
        0800 0600 00000001`),
    );
    writer.reset();
    expect(writer.bytes).toHaveLength(0);
    writer.begin({ type: 1, flags: 0 });
    expect(writer.bytes, "memory that is used again is zeroed").toEqual(hex("00000000 01000000 00000000 00000000"));
  });

  test("an attribute that its length field cannot hold is refused", () => {
    const writer = new MessageWriter();
    expect(() => writer.bytesOf(1, new Uint8Array(65_532))).toThrow(RangeError);
    const outer = writer.beginNested(1);
    writer.bytesOf(1, new Uint8Array(65_531));
    expect(() => writer.endNested(outer)).toThrow(RangeError);
  });
});
