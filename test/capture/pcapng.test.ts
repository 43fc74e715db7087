/** Reading pcapng that others wrote: byte orders, sections, time resolutions, blocks and options that we never write. */
import { describe, expect, test } from "vitest";
import { linked, message, numbers, PcapngBuilder } from "./build-capture.ts";
import { readAll } from "./read-all.ts";

const CT_NEW = 0x100;
const CREATE = 0x600;
const bytes = (...values: number[]): Buffer => Buffer.from(values);
const event = (little = true, payload: Uint8Array = bytes(2, 0, 0, 0)): Buffer =>
  message(little, CT_NEW, CREATE, payload);
const name = (text: string): [number, Uint8Array] => [2, Buffer.from(text)];
const resolution = (value: number): [number, Uint8Array] => [9, bytes(value)];

describe.each([
  ["little", true],
  ["big", false],
] as const)("a %s-endian file", (_order, little) => {
  test("is read like any other", async () => {
    const file = new PcapngBuilder(little)
      .section([1, 0], [4, Buffer.from("dumpcap")])
      .interface(253, name("netns:4026531840/netfilter"), resolution(6))
      .packet(0, 1_700_000_000_123_456n, linked(12, event()))
      .sidecar(11, 1_700_000_001_000_000n, '{"final":true}');
    const { records, error } = await readAll(file.bytes);
    expect(error).toBeUndefined();
    expect(records).toEqual([
      {
        kind: "netlink",
        timeMs: 1_700_000_000_123.456,
        netns: 4026531840,
        family: 12,
        outgoing: false,
        multicast: true,
        bytes: new Uint8Array(event()),
      },
      { kind: "tick", timeMs: 1_700_000_001_000, final: true, wallAheadMs: 0 },
    ]);
  });
});

test("sections of both byte orders follow one another, each with its own interfaces", async () => {
  const first = new PcapngBuilder(true)
    .section()
    .interface(253, name("netns:1/netfilter"))
    .packet(0, 1n, linked(12, event()));
  const second = new PcapngBuilder(false)
    .section()
    .interface(253, name("netns:2/sock_diag"))
    .packet(0, 2n, linked(4, event()));
  const { records, reader } = await readAll(Buffer.concat([first.bytes, second.bytes]));
  expect(records.map((record) => record.kind === "netlink" && [record.netns, record.family])).toEqual([
    [1, 12],
    [2, 4],
  ]);
  expect(reader.sources).toEqual([
    { netns: 1, family: 12 },
    { netns: 2, family: 4 },
  ]);
});

describe("a time is read in the resolution that its interface names", () => {
  const cases: [string, number, bigint, number][] = [
    ["seconds", 0, 1_700_000_000n, 1_700_000_000_000],
    ["milliseconds", 3, 1_700_000_000_123n, 1_700_000_000_123],
    ["microseconds", 6, 1_700_000_000_123_456n, 1_700_000_000_123.456],
    ["nanoseconds", 9, 1_700_000_000_123_456_789n, 1_700_000_000_123.4568],
    ["powers of two", 0x80 | 20, 1_700_000_000n << 20n, 1_700_000_000_000],
  ];
  test.each(cases)("%s", async (_name, value, units, timeMs) => {
    const file = new PcapngBuilder().section().interface(253, resolution(value)).packet(0, units, linked(12, event()));
    expect((await readAll(file.bytes)).records[0]!.timeMs).toBe(timeMs);
  });

  test("whole milliseconds stay whole, also in nanoseconds, which need more bits than a double has", async () => {
    const file = new PcapngBuilder().section().interface(253, resolution(9));
    const times = Array.from({ length: 1000 }, (_, i) => 1_795_352_630_000 + i);
    for (const time of times) file.packet(0, BigInt(time) * 1_000_000n, linked(12, event()));
    expect((await readAll(file.bytes)).records.map((record) => record.timeMs)).toEqual(times);
  });

  test("and microseconds when it names none; an offset in seconds is added", async () => {
    const offset = Buffer.alloc(8);
    offset.writeBigInt64LE(-3600n);
    const file = new PcapngBuilder()
      .section()
      .interface(253, [14, offset])
      .packet(0, 7_200_000_000n, linked(12, event()));
    expect((await readAll(file.bytes)).records[0]!.timeMs).toBe(3_600_000);
  });
});

describe("where a packet comes from and goes to", () => {
  const one = async (options: [number, Uint8Array][], datagram: Uint8Array) => {
    const file = new PcapngBuilder().section().interface().packet(0, 1n, linked(12, datagram), options);
    const [record] = (await readAll(file.bytes)).records;
    return record?.kind === "netlink" ? [record.outgoing, record.multicast] : undefined;
  };
  const flags = (value: number): [number, Uint8Array] => [2, bytes(value, 0, 0, 0)];
  const comment: [number, Uint8Array] = [1, Buffer.from("a comment")];

  test("is what epb_flags says, wherever among the options it stands", async () => {
    expect(await one([flags(0b01001)], event())).toEqual([false, true]);
    expect(await one([comment, flags(0b00101)], event())).toEqual([false, false]);
    expect(await one([flags(0b00110), comment], event())).toEqual([true, false]);
  });

  test("is told by the message where the file is silent: requests, parts of dumps, acknowledgements, events", async () => {
    expect(await one([], message(true, 0x101, 0x301, bytes(2, 0, 0, 0)))).toEqual([true, false]);
    expect(await one([], message(true, CT_NEW, 0x2, bytes(2, 0, 0, 0)))).toEqual([false, false]);
    expect(await one([], message(true, 2, 0, Buffer.alloc(20)))).toEqual([false, false]);
    expect(await one([comment], event())).toEqual([false, true]);
  });
});

test("namespaces are told apart however many there are", async () => {
  const file = new PcapngBuilder().section();
  for (let i = 0; i < 700; i++)
    file.interface(253, name(`netns:${i + 1}/netfilter`)).packet(i, 1n, linked(12, event()));
  const { records } = await readAll(file.bytes);
  expect(records.map((record) => record.kind === "netlink" && record.netns)).toEqual(records.map((_, i) => i + 1));
  expect(records).toHaveLength(700);
});

test("what nlmon captured is reduced to netfilter and sock_diag; the rest is counted", async () => {
  // One interface for all families and both directions, in a namespace nobody names.
  const file = new PcapngBuilder().section().interface(253, name("nlmon0"));
  for (const family of [0, 12, 15, 16, 4]) file.packet(0, 1n, linked(family, event()));
  const { records, counts, reader } = await readAll(file.bytes);
  expect(records).toHaveLength(2);
  expect(counts).toMatchObject({ packets: 2, otherFamilies: 3 });
  expect(reader.sources).toEqual([
    { netns: 0, family: 12 },
    { netns: 0, family: 4 },
  ]);
});

test("blocks of other kinds and other people's custom blocks are skipped and counted", async () => {
  const file = new PcapngBuilder()
    .section()
    .interface()
    .block(5, Buffer.alloc(12)) // Interface Statistics
    .block(4, Buffer.alloc(4)) // Name Resolution
    .block(0x80001234, Buffer.alloc(40)) // local use
    .custom(1, Buffer.alloc(64))
    .custom(32473, Buffer.alloc(64)) // the number for examples, without our magic
    .custom(32473, Buffer.from("conntrail")) // too short
    .packet(0, 1n, linked(12, event()));
  const { counts, error } = await readAll(file.bytes);
  expect([error, counts.packets, counts.skippedBlocks]).toEqual([undefined, 1, 6]);
});

describe("a sidecar block", () => {
  const read = (file: PcapngBuilder) => readAll(file.bytes);
  const start = () => new PcapngBuilder().section().interface();

  test("of a newer version or an unknown kind is skipped and counted as such", async () => {
    const { counts, records } = await read(start().sidecar(11, 1n, '{"final":true}', 2).sidecar(999, 1n, "{}"));
    expect([counts.unknownSidecars, records]).toEqual([2, []]);
  });

  test.each([
    ["is no JSON", 11, "{"],
    ["lacks a field", 11, "{}"],
    ["has a field of another type", 11, '{"final":1}'],
    ["has a number that is no u32", 3, '{"netns":4294967296}'],
    ["has a word that is not in the list", 6, '{"cause":"bored","netns":0,"family":12,"sinceMs":0,"count":null}'],
    ["has an address that is none", 2, '{"netns":1,"addresses":["10.0.0.256"],"ephemeral":{"low":1,"high":2}}'],
    [
      "has rows of another length than it says",
      9,
      '{"timeMs":1,"startedMs":1,"count":1,"byteOrder":"LE","rows":"AAAA","owners":[],"namespaces":[],"health":{}}',
    ],
    ["is a list where an object should be", 1, "[]"],
  ])("whose payload %s is counted and left out, and reading goes on", async (_what, kind, payload) => {
    const { counts, records, error } = await read(
      start().sidecar(kind, 1n, payload).packet(0, 1n, linked(12, event())),
    );
    expect([counts.badSidecars, counts.packets, records.length, error]).toEqual([1, 1, 1, undefined]);
  });

  test("may have fields that this version does not know", async () => {
    const { records } = await read(start().sidecar(11, 5000n, '{"final":false,"mood":"good"}'));
    expect(records).toEqual([{ kind: "tick", timeMs: 5, final: false, wallAheadMs: 0 }]);
  });

  test.each([1000, 0xffffffff])(
    "that claims a payload of %d bytes, beyond its block, is counted and left out",
    async (bytes) => {
      const file = start().sidecar(11, 1n, '{"final":true}');
      file.blocks.at(-1)!.writeUInt32LE(bytes, 8 + 28);
      const { counts } = await read(file);
      expect([counts.badSidecars, counts.sidecars]).toEqual([1, 0]);
    },
  );
});

test("packets too short for their headers, or not of netlink's hardware type, are counted", async () => {
  const file = new PcapngBuilder()
    .section()
    .interface()
    .packet(0, 1n, linked(12, bytes(1, 2, 3)))
    .packet(0, 1n, Buffer.alloc(8))
    .packet(0, 1n, linked(12, Buffer.alloc(16))) // a message of length 0
    .packet(0, 1n, linked(12, event(), 1));
  const { counts, records } = await readAll(file.bytes);
  expect(counts).toMatchObject({ packets: 0, badPackets: 3, otherFamilies: 1 });
  expect(records).toEqual([]);
});

test("a packet that the capture cut short is handed out as far as it goes", async () => {
  const file = new PcapngBuilder().section().interface().packet(0, 1n, linked(12, event()).subarray(0, 34), [], 36);
  const { records, counts } = await readAll(file.bytes);
  expect([counts.packets, records[0]?.kind === "netlink" && records[0].bytes.length]).toEqual([1, 18]);
});

describe("messages of a machine of the other byte order", () => {
  const { u16, u32 } = numbers(false);
  const attribute = (type: number, payload: Uint8Array): Buffer => {
    const bare = Buffer.concat([u16(4 + payload.length, type), payload]);
    return Buffer.concat([bare, Buffer.alloc((4 - (bare.length % 4)) % 4)]);
  };
  const native = (type: number, payload: Uint8Array): Buffer => {
    const turned = numbers(true);
    const bare = Buffer.concat([turned.u16(4 + payload.length, type), payload]);
    return Buffer.concat([bare, Buffer.alloc((4 - (bare.length % 4)) % 4)]);
  };
  /** The same attributes by either maker of attributes: nested ones, and payloads that are in network order anyway. */
  const body = (make: typeof attribute): Buffer =>
    Buffer.concat([
      bytes(2, 0, 0, 0),
      make(0x8001, Buffer.concat([make(0x8001, make(1, bytes(10, 0, 0, 1))), make(0x8002, make(1, bytes(6)))])),
      make(12, u32(0xcafe)),
    ]);

  test("are turned round where they are conntrack's, whose payloads are in network order everywhere", async () => {
    const twice = Buffer.concat([
      message(false, CT_NEW, CREATE, body(attribute)),
      message(false, CT_NEW, 2, body(attribute)),
    ]);
    const file = new PcapngBuilder(false).section().interface().packet(0, 1n, linked(12, twice));
    const { records } = await readAll(file.bytes);
    const expected = Buffer.concat([
      message(true, CT_NEW, CREATE, body(native)),
      message(true, CT_NEW, 2, body(native)),
    ]);
    expect(records[0]?.kind === "netlink" && Buffer.from(records[0].bytes).toString("hex")).toBe(
      expected.toString("hex"),
    );
  });

  test("are counted and left out where they are sock_diag's, which cannot be converted", async () => {
    const file = new PcapngBuilder(false)
      .section()
      .interface()
      .packet(0, 1n, linked(4, event(false)));
    const { counts } = await readAll(file.bytes);
    expect(counts).toMatchObject({ packets: 0, foreignOrder: 1 });
  });

  test("survive lengths that make no sense: what is broken stays as it is", async () => {
    const broken = message(false, CT_NEW, CREATE, Buffer.concat([bytes(2, 0, 0, 0), u16(3, 1), u16(0xffff, 2)]));
    const file = new PcapngBuilder(false).section().interface().packet(0, 1n, linked(12, broken));
    expect((await readAll(file.bytes)).counts.packets).toBe(1);
  });
});
