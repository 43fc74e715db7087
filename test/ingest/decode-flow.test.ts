/** The in-place decoder against the value decoder of the netlink package: the same bytes, the kernel's own and any others. */
import { DECODED, decodeFlow, FlowTracker } from "@conntrail/ingest";
import { FLOW, FLOW_WORDS, formatAddress, kindFamily, kindProtocol, kindState, ZONE_DIRECTION } from "@conntrail/model";
import { type ConntrackMessage, type ConntrackTuple, decodeConntrack, isDecodeError } from "@conntrail/netlink";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fixtures } from "../netlink/bytes.ts";
import { message } from "./messages.ts";

const KERNEL = fixtures("ctnetlink");
const CODES: Readonly<Record<ConntrackMessage["kind"], number>> = {
  new: DECODED.new,
  update: DECODED.update,
  row: DECODED.update,
  destroy: DECODED.destroy,
};

test.each(KERNEL)("S5 $name: row and value agree", ({ bytes }) => {
  expect(rowOf(bytes)).toEqual(expectedRow(decodeConntrack(bytes)));
});

test("every fixture of the kernel is told apart from the ones with other kinds", () => {
  const kinds = new Set(KERNEL.map(({ bytes }) => decode(bytes).code));
  expect(kinds).toEqual(new Set([DECODED.new, DECODED.update, DECODED.destroy]));
});

/** Parts of a message that only the value decoder reads. */
const READ_BY_VALUE_ALONE = /^[a-z-]+: (?:help|tuple-master|use|timestamp-event): /;

/** What holds for any bytes: a code and nothing else; what the value decoder takes is taken, and read alike; what it refuses is refused, unless for a part that no row has. */
function holdTogether(bytes: Uint8Array): void {
  const { code } = decode(bytes);
  expect(Object.values(DECODED)).toContain(code);
  try {
    const value = decodeConntrack(bytes);
    expect(rowOf(bytes)).toEqual(expectedRow(value));
  } catch (error) {
    if (!isDecodeError(error)) throw error;
    if (code > 0) expect(error.message).toMatch(READ_BY_VALUE_ALONE);
  }
}

test("any bytes give a code and nothing else, and both decoders take, refuse and read them alike", () => {
  const damaged = fc.record(
    {
      fixture: fc.constantFrom(...KERNEL.map(({ bytes }) => bytes)),
      changes: fc.array(fc.tuple(fc.nat(400), fc.oneof(fc.nat(255), fc.nat(12))), { maxLength: 6 }),
      length: fc.nat(400),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(damaged, ({ fixture, changes, length }) => {
      const bytes = fixture.slice(0, Math.max(1, length));
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      holdTogether(bytes);
    }),
    { numRuns: 20_000 },
  );
});

test("the same holds for every single byte of every message of the kernel, whatever small value it takes", () => {
  for (const { bytes } of KERNEL) {
    for (let at = 0; at < bytes.length; at++) {
      for (const value of [0, 1, 5, 0xff]) {
        const damaged = bytes.slice();
        damaged[at] = value;
        holdTogether(damaged);
      }
    }
  }
}, 60_000);

/** A message whose CTA_ZONE has four bytes, where the kernel writes two. */
const ZONE_OF_FOUR_BYTES =
  "a400000000010006000000000000000002000000340001801400018008000100c000020108000200c00002021c000280" +
  "0500010006000000060002009c4000000600030001bb0000340002801400018008000100c000020208000200c0000201" +
  "1c00028005000100060000000600020001bb0000060003009c400000080003000000018e100004800c00018005000100" +
  "0300000008000c00000000010800120000640000";

test("F65 a whole message whose zone has four bytes is read alike by both decoders: zone 100", () => {
  const bytes = Uint8Array.from(Buffer.from(ZONE_OF_FOUR_BYTES, "hex"));
  const value = decodeConntrack(bytes);
  expect(value.zone).toBe(100);
  expect(rowOf(bytes)).toEqual(expectedRow(value));
});

test("F65 a zone of four bytes is read from its front, by both decoders", () => {
  const [head, zone] = [message("new", { client: 1 }), Uint8Array.of(8, 0, 0x12, 0, 0, 100, 0, 0)];
  const bytes = Uint8Array.from([...head, ...zone]);
  new DataView(bytes.buffer).setUint32(0, bytes.length, true);
  expect(decodeConntrack(bytes).zone).toBe(100);
  expect(rowOf(bytes).zone).toBe(100);
});

test("random bytes never reach beyond their end, throw or hang", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 256 }), fc.nat(3), (bytes, shift) => {
      const tracker = new FlowTracker();
      const block = new Uint8Array(shift + bytes.length + 16).fill(0x11);
      block.set(bytes, shift);
      tracker.apply(1, block, shift, bytes.length, 0);
      tracker.applyDump(1, block, shift, bytes.length, 0);
    }),
    { numRuns: 20_000 },
  );
});

test("bytes that lie at odd places are decoded all the same, and messages of one datagram one after the other", () => {
  const flows = [1, 2, 3].map((client) => message("new", { client, state: 1 }));
  const datagram = Uint8Array.from(flows.flatMap((bytes) => [...bytes]));
  for (const shift of [0, 1, 2, 3, 4, 7]) {
    const block = new Uint8Array(shift + datagram.length);
    block.set(datagram, shift);
    const tracker = new FlowTracker();
    tracker.apply(1, block, shift, datagram.length, 5);
    expect(tracker.flows).toBe(3);
    expect(tracker.flush(6).health).toMatchObject({ events: { new: 3, update: 0, destroy: 0 }, undecodable: 0 });
  }
});

test("what cannot be decoded is counted, and the messages after it are read", () => {
  const broken = message("new", { client: 1 });
  broken[20] = 3; // the first attribute's length
  const datagram = Uint8Array.from([...broken, ...message("new", { client: 2 })]);
  const tracker = new FlowTracker();
  tracker.apply(1, datagram, 0, datagram.length, 0);
  expect(tracker.flush(0).health).toMatchObject({ undecodable: 1, flows: 1 });
});

function decode(bytes: Uint8Array): { code: number; row: Uint32Array; floats: Float64Array } {
  const block = new Uint8Array((bytes.length + 3) & ~3);
  block.set(bytes);
  const row = new Uint32Array(FLOW_WORDS + 2);
  const floats = new Float64Array(row.buffer);
  return { code: decodeFlow(new Uint32Array(block.buffer), 0, bytes.length, row, floats), row, floats };
}

/** What the decoder writes itself: fields that a message did not have are whatever they were, here zero. */
function rowOf(bytes: Uint8Array) {
  const { code, row, floats } = decode(bytes);
  return {
    code,
    original: [
      formatAddress(row, FLOW.originalSource),
      formatAddress(row, FLOW.originalDestination),
      row[FLOW.originalPorts],
    ],
    reply: [formatAddress(row, FLOW.replySource), formatAddress(row, FLOW.replyDestination), row[FLOW.replyPorts]],
    protocol: kindProtocol(row[FLOW.kind]!),
    family: kindFamily(row[FLOW.kind]!),
    state: kindState(row[FLOW.kind]!),
    zone: row[FLOW.zone],
    id: row[FLOW.id],
    status: row[FLOW.status],
    mark: row[FLOW.mark],
    liberal: (row[FIELDS]! & LIBERAL) !== 0,
    start: floats[FLOW.startMs >> 1],
    counters: [FLOW.originalPackets, FLOW.originalBytes, FLOW.replyPackets, FLOW.replyBytes].map(
      (at) => floats[at >> 1],
    ),
  };
}

function expectedRow(value: ConntrackMessage): ReturnType<typeof rowOf> {
  const { original, reply, originalCounters, replyCounters } = value;
  return {
    code: CODES[value.kind],
    original: ends(original),
    reply: ends(reply),
    protocol: original.proto.number,
    family: original.source.length === 4 ? 2 : 10,
    state: value.protoInfo?.state ?? 0,
    zone: zoneOf(value),
    id: value.id ?? 0,
    status: value.status ?? 0,
    mark: value.mark ?? 0,
    liberal: isLiberal(value),
    start: Number(value.startNs ?? 0n) / 1e6,
    counters: [originalCounters?.packets, originalCounters?.bytes, replyCounters?.packets, replyCounters?.bytes].map(
      (count) => Number(count ?? 0n),
    ),
  };
}

function ends({ source, destination, proto }: ConntrackTuple): (string | number)[] {
  const ports =
    proto.kind === "ports"
      ? proto.sourcePort * 65_536 + proto.destinationPort
      : proto.kind === "icmp"
        ? proto.id * 65_536 + proto.type * 256 + proto.code
        : 0;
  return [addressText(source), addressText(destination), ports];
}

function addressText(address: Uint8Array): string {
  const words = new Uint32Array(4);
  const bytes = new Uint8Array(words.buffer);
  if (address.length === 4) bytes.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...address]);
  else bytes.set(address);
  return formatAddress(words);
}

function zoneOf({ original, reply, zone = 0 }: ConntrackMessage): number {
  if (original.zone) return original.zone | ZONE_DIRECTION.original;
  if (reply.zone) return reply.zone | ZONE_DIRECTION.reply;
  return zone;
}

/** Where a decoded message has its DECODED_FIELD bits. */
const FIELDS = FLOW_WORDS;

/** DECODED_FIELD.liberal: windows are checked in neither direction (IP_CT_TCP_FLAG_BE_LIBERAL, 8). */
const LIBERAL = 0x400;

function isLiberal({ protoInfo }: ConntrackMessage): boolean {
  if (protoInfo?.kind !== "tcp") return false;
  return ((protoInfo.originalFlags?.flags ?? 0) & (protoInfo.replyFlags?.flags ?? 0) & 8) !== 0;
}
