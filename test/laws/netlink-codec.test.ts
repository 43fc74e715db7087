/** Laws of the netlink codec: what is encoded is decoded to the same; any bytes give a value or a DecodeError, in bounded time. */
import {
  AttributeCursor,
  type ConntrackMessage,
  type ConntrackProto,
  type ConntrackProtoInfo,
  type ConntrackTuple,
  decodeConntrack,
  decodeInetDiag,
  encodeConntrack,
  isDecodeError,
  MessageCursor,
} from "@conntrail/netlink";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffffffff);
const u64 = fc.bigInt(0n, 0xffffffffffffffffn);
const bytesOf = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
/** A record whose keys may be missing; without null prototypes, which strict equality refuses. */
const partly = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> =>
  fc.record(model, { requiredKeys: [], noNullPrototype: true }) as fc.Arbitrary<Partial<T>>;

const proto: fc.Arbitrary<ConntrackProto> = fc
  .oneof(
    fc.record({ kind: fc.constant("ports" as const), number: u8, sourcePort: u16, destinationPort: u16 }),
    fc.record({ kind: fc.constant("icmp" as const), number: u8, id: u16, type: u8, code: u8 }),
    fc.record({ kind: fc.constant("other" as const), number: u8 }),
  )
  .map((value) => ({ ...value }));

const tuple = (addressBytes: number): fc.Arbitrary<ConntrackTuple> =>
  fc
    .tuple(bytesOf(addressBytes), bytesOf(addressBytes), proto, partly<{ zone: number }>({ zone: u16 }))
    .map(([source, destination, keys, zone]) => ({ source, destination, proto: keys, ...zone }));

const flags = fc.record({ flags: u8, mask: u8 }, { noNullPrototype: true });
const protoInfo: fc.Arbitrary<ConntrackProtoInfo> = fc.oneof(
  fc
    .tuple(u8, partly({ originalWindowScale: u8, replyWindowScale: u8, originalFlags: flags, replyFlags: flags }))
    .map(([state, rest]) => ({ kind: "tcp" as const, state, ...rest })),
  fc
    .tuple(u8, partly({ originalTag: u32, replyTag: u32 }))
    .map(([state, rest]) => ({ kind: "sctp" as const, state, ...rest })),
  fc
    .tuple(u8, partly({ role: u8, handshakeSequence: u64 }))
    .map(([state, rest]) => ({ kind: "dccp" as const, state, ...rest })),
);

const counters = fc.record({ packets: u64, bytes: u64 }, { noNullPrototype: true });
/** Text that Latin-1 holds, without NUL. */
const name = fc.array(fc.integer({ min: 1, max: 0xff })).map((codes) => String.fromCharCode(...codes));
const helper = fc
  .tuple(name, partly({ info: fc.uint8Array({ maxLength: 64 }) }))
  .map(([text, rest]) => ({ name: text, ...rest }));

const message: fc.Arbitrary<ConntrackMessage> = fc.constantFrom(2, 10).chain((family) => {
  const ends = tuple(family === 2 ? 4 : 16);
  const rest = partly({
    master: ends,
    zone: u16,
    id: u32,
    status: u32,
    timeout: u32,
    mark: u32,
    use: u32,
    protoInfo,
    helper,
    labels: bytesOf(16),
    originalCounters: counters,
    replyCounters: counters,
    startNs: u64,
    stopNs: u64,
    eventNs: u64,
  });
  const kind = fc.constantFrom("new" as const, "update" as const, "destroy" as const, "row" as const);
  return fc
    .tuple(kind, ends, ends, rest)
    .map(([which, original, reply, more]) => ({ kind: which, family, original, reply, ...more }));
});

describe("decode∘encode", () => {
  test("gives a conntrack message back", () => {
    fc.assert(
      fc.property(message, (value) => {
        expect(decodeConntrack(encodeConntrack(value))).toStrictEqual(value);
      }),
    );
  });

  test("encoding is stable: the same value gives the same bytes, through a decode as well", () => {
    fc.assert(
      fc.property(message, (value) => {
        const bytes = encodeConntrack(value);
        expect(encodeConntrack(decodeConntrack(bytes))).toEqual(bytes);
      }),
    );
  });

  test("a message is as long as it says, and a multiple of 4", () => {
    fc.assert(
      fc.property(message, (value) => {
        const bytes = encodeConntrack(value);
        expect(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)).toBe(bytes.length);
        expect(bytes.length % 4).toBe(0);
      }),
    );
  });
});

describe("any bytes", () => {
  test.each([
    { what: "decodeConntrack", decode: (bytes: Uint8Array) => decodeConntrack(bytes) },
    { what: "decodeInetDiag", decode: (bytes: Uint8Array) => decodeInetDiag(bytes) },
    { what: "MessageCursor", decode: (bytes: Uint8Array) => walkMessages(bytes) },
    { what: "AttributeCursor", decode: (bytes: Uint8Array) => walkAttributes(bytes) },
  ])("give a value or a DecodeError: $what", ({ decode }) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => onlyDecodeErrors(() => decode(bytes))),
      { numRuns: 2000 },
    );
  });

  test("behind the header of a conntrack message give a value or a DecodeError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (attributes) => {
        const bytes = headed(0x100, Uint8Array.of(2, 0, 0, 0, ...attributes));
        onlyDecodeErrors(() => decodeConntrack(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  test("in place of some bytes of a message give a value or a DecodeError", () => {
    const change = fc.array(fc.tuple(fc.nat(1000), u8), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(message, change, (value, changes) => {
        const bytes = encodeConntrack(value);
        for (const [position, byte] of changes) bytes[position % bytes.length] = byte;
        onlyDecodeErrors(() => decodeConntrack(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  test("an error lies inside the bytes, and its message begins with its code", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (payload) => {
        const bytes = headed(0x100, payload);
        try {
          decodeConntrack(bytes);
        } catch (error) {
          if (!isDecodeError(error)) throw error;
          expect(error.offset).toBeGreaterThanOrEqual(0);
          expect(error.offset).toBeLessThanOrEqual(bytes.length);
          expect(error.message.startsWith(`${error.code}: `)).toBe(true);
        }
      }),
    );
  });
});

function headed(type: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, type, true);
  bytes.set(payload, 16);
  return bytes;
}

function walkMessages(bytes: Uint8Array): void {
  const cursor = new MessageCursor(bytes);
  for (let steps = 0; cursor.next(); steps++) expect(steps).toBeLessThanOrEqual(bytes.length / 16);
}

function walkAttributes(bytes: Uint8Array): void {
  const at = new AttributeCursor(bytes);
  for (let steps = 0; at.next(); steps++) {
    expect(steps).toBeLessThanOrEqual(bytes.length / 4);
    const inner = at.nested("inner");
    while (inner.next()) inner.copy();
  }
}

function onlyDecodeErrors(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    if (!isDecodeError(error)) throw error;
  }
}
