/** Message headers and where one message ends and the next begins: `linux/netlink.h`. */
import { DecodeError, isDecodeError, isOpError, MessageCursor, OpError } from "@conntrail/netlink";
import { expect, test } from "vitest";
import { hex } from "./bytes.ts";

interface Row {
  readonly name: string;
  readonly bytes: string;
  readonly messages: readonly Partial<
    Pick<MessageCursor, "type" | "flags" | "sequence" | "portId" | "offset" | "end">
  >[];
  readonly error?: Partial<DecodeError>;
}

const ROWS: readonly Row[] = [
  { name: "no bytes are no messages", bytes: "", messages: [] },
  {
    name: "one message without a payload",
    bytes: `
      10000000 # length 16
      0001 0203 # type, flags
      01000000 # sequence
      02000000 # port`,
    messages: [{ type: 0x0100, flags: 0x0302, sequence: 1, portId: 2, offset: 0, end: 16 }],
  },
  {
    name: "two messages, the first one padded",
    bytes: `
      11000000 14000000 00000000 00000000
      ff000000
      10000000 14000200 07000000 00000000`,
    messages: [
      { type: 20, offset: 0, end: 17 },
      { type: 20, flags: 2, sequence: 7, offset: 20, end: 36 },
    ],
  },
  {
    name: "the last message may lack its padding",
    bytes: "11000000 14000000 00000000 00000000 ff",
    messages: [{ type: 20, end: 17 }],
  },
  {
    name: "a header cut short",
    bytes: "10000000 14000000 00000000",
    messages: [],
    error: { code: "truncated", offset: 0, message: "truncated: expected a header of 16 bytes, got 12" },
  },
  {
    name: "a message longer than the bytes, after a whole one",
    bytes: `
      10000000 14000000 00000000 00000000
      18000000 14000000 00000000 00000000
      00000000`,
    messages: [{ type: 20 }],
    error: { code: "truncated", offset: 16, message: "truncated: expected a message of 24 bytes, got 20" },
  },
  {
    name: "a length shorter than the header",
    bytes: "0f000000 14000000 00000000 00000000",
    messages: [],
    error: { code: "bad-length", offset: 0, message: "bad-length: expected at least 16 bytes, got 15" },
  },
];

test.each(ROWS)("$name", ({ bytes, messages, error }) => {
  const cursor = new MessageCursor(hex(bytes));
  const seen: object[] = [];
  const walk = (): void => {
    while (cursor.next()) seen.push({ ...cursor });
  };
  if (error === undefined) walk();
  else {
    expect(walk).toThrow(expect.objectContaining({ name: "DecodeError", path: "", ...error }));
    expect(cursor.next(), "what follows a bad header is passed over").toBe(false);
  }
  expect(seen).toEqual(messages.map((message) => expect.objectContaining(message)));
});

test("a cursor keeps to its stretch, and starts again with over", () => {
  const bytes = hex(`
    10000000 01000000 00000000 00000000
    10000000 02000000 00000000 00000000
    10000000 03000000 00000000 00000000`);
  const cursor = new MessageCursor(bytes).over(16, 16);
  expect(cursor.next()).toBe(true);
  expect([cursor.type, cursor.offset, cursor.payload]).toEqual([2, 16, 32]);
  expect(cursor.next()).toBe(false);
  cursor.over(32, 1000);
  expect(cursor.next()).toBe(true);
  expect(cursor.type).toBe(3);
  expect(cursor.next()).toBe(false);
});

test("bytes in the middle of a buffer are read as if they stood alone", () => {
  const bytes = hex("ffffff 10000000 05000000 00000000 00000000 ff").subarray(3, 19);
  const cursor = new MessageCursor(bytes).over(0, 16);
  expect(cursor.next()).toBe(true);
  expect([cursor.type, cursor.offset, cursor.end]).toEqual([5, 0, 16]);
});

test("a DecodeError is recognised by its shape", () => {
  const decode = new DecodeError("truncated", 4, "tuple-orig: proto", "expected 2 bytes, got 1");
  expect(decode.message).toBe("truncated: tuple-orig: proto: expected 2 bytes, got 1");
  expect([isDecodeError(decode), isOpError(decode)]).toEqual([true, false]);
  const op = new OpError("bind", "EPERM", { detail: "group 1", cause: decode });
  expect([op.message, op.cause]).toEqual(["bind: EPERM: group 1", decode]);
  expect([isOpError(op), isDecodeError(op), isOpError(new Error("bind")), isOpError(undefined)]).toEqual([
    true,
    false,
    false,
    false,
  ]);
});
