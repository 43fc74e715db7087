/** Bad files: each kind gives its error with the offset, after everything before it was handed out, in bounded memory. */
import { tmpdir } from "node:os";
import { constants, gunzipSync, gzipSync } from "node:zlib";
import { CaptureError, isCaptureError, readCapture } from "@conntrail/capture";
import { isOpError } from "@conntrail/netlink";
import { describe, expect, test } from "vitest";
import { linked, message, numbers, PcapngBuilder, pcap } from "./build-capture.ts";
import { type Outcome, readAll } from "./read-all.ts";

const event: Buffer = linked(12, message(true, 0x100, 0x600, Buffer.from([2, 0, 0, 0])));
const MICROS = 0xa1b2c3d4;
/** Section header, interface, packet, sidecar, packet. */
const small: PcapngBuilder = new PcapngBuilder()
  .section()
  .interface()
  .packet(0, 1n, event)
  .sidecar(11, 2n, '{"final":false}')
  .packet(0, 3n, event);
/** Offset of each block of `small`, and of its end. */
const boundaries: number[] = [0];
for (const block of small.blocks) boundaries.push(boundaries.at(-1)! + block.length);
const { u16, u32 } = numbers(true);

function code(outcome: Outcome): unknown {
  return outcome.error && [outcome.error.code, outcome.error.offset];
}

test("a pcapng file cut at any byte is read up to the last whole block, and the error says where that ends", async () => {
  for (let cut = 1; cut <= small.bytes.length; cut++) {
    const outcome = await readAll(small.bytes.subarray(0, cut));
    const whole = boundaries.filter((end) => end <= cut).length - 1;
    const records = Math.max(0, whole - 2);
    expect(outcome.records, `cut at ${cut}`).toHaveLength(records);
    if (cut === boundaries[whole]) expect(outcome.error, `cut at ${cut}`).toBeUndefined();
    else if (cut < 4) expect(code(outcome), `cut at ${cut}`).toEqual(["not-a-capture", 0]);
    else expect(code(outcome), `cut at ${cut}`).toEqual(["truncated", boundaries[whole]]);
  }
});

test("a pcap file cut at any byte is read up to the last whole packet, and the error says where that ends", async () => {
  const packets = [1, 2].map((second) => ({ time: [second, 0] as const, bytes: event }));
  const file = pcap(true, MICROS, packets);
  const ends = [0, 24, 24 + 16 + event.length, file.length];
  for (let cut = 4; cut <= file.length; cut++) {
    const outcome = await readAll(file.subarray(0, cut));
    const whole = ends.filter((end) => end <= cut).length - 1;
    expect(outcome.records, `cut at ${cut}`).toHaveLength(Math.max(0, whole - 1));
    expect(code(outcome), `cut at ${cut}`).toEqual(
      cut === ends[whole] && whole > 0 ? undefined : ["truncated", ends[whole]],
    );
  }
});

test("a compressed file cut at any byte is read up to the last block that can be inflated, and is told to be truncated", async () => {
  // Two members, as a recorder writes them: the second begins with the sidecar.
  const cutAt = boundaries[3]!;
  const members = [gzipSync(small.bytes.subarray(0, cutAt)), gzipSync(small.bytes.subarray(cutAt))];
  const file = Buffer.concat(members);
  for (let cut = 2; cut < file.length; cut++) {
    const outcome = await readAll(file.subarray(0, cut));
    // What zlib makes of the same bytes when it is told not to mind the end.
    const inflated = gunzipSync(file.subarray(0, cut), { finishFlush: constants.Z_SYNC_FLUSH }).length;
    const whole = boundaries.filter((end) => end <= inflated).length - 1;
    expect(outcome.records, `cut at ${cut}`).toHaveLength(Math.max(0, whole - 2));
    if (cut === members[0]!.length) expect(outcome.error).toBeUndefined();
    else
      expect(outcome.error?.code, `cut at ${cut}`).toBe(inflated > 0 && inflated < 4 ? "not-a-capture" : "truncated");
  }
  expect(await readAll(file)).toMatchObject({ error: undefined, records: { length: 3 } });
});

test("a compressed file with a broken byte gives what came before it, and its error keeps zlib's own", async () => {
  const file = gzipSync(small.bytes);
  file[file.length - 6]! ^= 0xff; // in the checksum
  const outcome = await readAll(file);
  expect(outcome.error).toMatchObject({ code: "corrupt", cause: { code: "Z_DATA_ERROR" } });
});

test.each([
  ["nothing at all", Buffer.alloc(0), "empty"],
  ["an empty gzip member", gzipSync(""), "empty"],
  ["gzip in gzip", gzipSync(gzipSync(small.bytes)), "not-a-capture"],
  ["zeros", Buffer.alloc(5000), "not-a-capture"],
  ["prose", Buffer.from("It was a dark and stormy night.\n".repeat(300)), "not-a-capture"],
  ["an ELF program", Buffer.from("\x7fELF\x02\x01\x01"), "not-a-capture"],
])("%s is told apart", async (_name, bytes, expected) => {
  const outcome = await readAll(bytes);
  expect([code(outcome), outcome.records]).toEqual([[expected, 0], []]);
});

describe("a capture of another link type", () => {
  test("is refused at its first packet, with the place and the link type", async () => {
    const file = new PcapngBuilder()
      .section()
      .interface(1)
      .packet(0, 1n, Buffer.alloc(60))
      .packet(0, 2n, Buffer.alloc(60));
    const outcome = await readAll(file.bytes);
    expect(code(outcome)).toEqual(["wrong-link-type", file.blocks[0]!.length]);
    expect(outcome.error!.message).toContain("expected link type 253 (netlink), got 1");
  });

  test("is refused also without packets, and as classic pcap", async () => {
    const file = new PcapngBuilder().section().interface(113);
    expect(code(await readAll(file.bytes))).toEqual(["wrong-link-type", file.blocks[0]!.length]);
    expect(code(await readAll(pcap(true, MICROS, [], 1)))).toEqual(["wrong-link-type", 20]);
  });

  test("beside one of netlink is left out and counted", async () => {
    const file = new PcapngBuilder().section().interface(1).interface(253);
    file.packet(0, 1n, Buffer.alloc(60)).packet(1, 2n, event);
    const outcome = await readAll(file.bytes);
    expect([outcome.error, outcome.counts.foreignPackets, outcome.counts.packets]).toEqual([undefined, 1, 1]);
  });
});

describe("lengths that contradict one another", () => {
  const start = () => new PcapngBuilder().section().interface().packet(0, 1n, event);
  const at = start().bytes.length;
  const last = (file: PcapngBuilder, change: (block: Buffer) => void): Buffer => {
    change(file.blocks.at(-1)!);
    return file.bytes;
  };

  test.each<[string, () => Buffer, string, number]>([
    [
      "a block that ends with another length",
      () => last(start().packet(0, 2n, event), (block) => block.writeUInt32LE(20, block.length - 4)),
      "corrupt",
      at,
    ],
    ["a block shorter than its own header", () => Buffer.concat([start().bytes, u32(6, 8, 8, 0)]), "corrupt", at],
    [
      "a block of a length that is no multiple of 4",
      () => Buffer.concat([start().bytes, u32(6, 35), Buffer.alloc(60)]),
      "corrupt",
      at,
    ],
    [
      "a packet longer than its block",
      () => last(start().packet(0, 2n, event), (block) => block.writeUInt32LE(1000, 20)),
      "corrupt",
      at,
    ],
    [
      "a packet that reaches into the length behind it",
      () => last(start().packet(0, 2n, event), (block) => block.writeUInt32LE(event.length + 4, 20)),
      "corrupt",
      at,
    ],
    [
      "a packet of 4 GiB in a block of 72 bytes",
      () => last(start().packet(0, 2n, event), (block) => block.writeUInt32LE(0xffffffff, 20)),
      "corrupt",
      at,
    ],
    ["a packet of an interface that was never described", () => start().packet(7, 2n, event).bytes, "corrupt", at],
    [
      "an option that reaches beyond its interface",
      () => Buffer.concat([start().bytes, new PcapngBuilder().block(1, u16(253, 0), u32(0), u16(2, 500)).bytes]),
      "corrupt",
      at,
    ],
    ["an interface description without a body", () => start().block(1).bytes, "corrupt", at],
    ["a packet block without a body", () => start().block(6).bytes, "corrupt", at],
    ["a section header without a body", () => start().block(0x0a0d0d0a, u32(0x1a2b3c4d)).bytes, "corrupt", at],
    ["a section header of neither byte order", () => start().block(0x0a0d0d0a, u32(0x12345678)).bytes, "corrupt", at],
    [
      "a section of another major version",
      () => Buffer.concat([start().bytes, new PcapngBuilder().section([2, 0]).bytes]),
      "unsupported",
      at,
    ],
  ])("%s", async (_name, file, expected, offset) => {
    const outcome = await readAll(file());
    expect(code(outcome)).toEqual([expected, offset]);
    expect(outcome.records).toHaveLength(1);
    expect(outcome.error!.counts).toMatchObject({ packets: 1 });
  });

  test("a pcap file of another major version", async () => {
    const file = pcap(true, MICROS, []);
    file.writeUInt16LE(3, 4);
    expect(code(await readAll(file))).toEqual(["unsupported", 0]);
  });
});

describe("absurd lengths", () => {
  test("are refused before any memory is taken for them", async () => {
    const block = Buffer.concat([small.bytes, u32(6, 0xfffffffc), Buffer.alloc(1 << 20)]);
    const packet = Buffer.concat([
      pcap(true, MICROS, [{ time: [1, 0], bytes: event }]),
      u32(2, 0, 0x7fffffff, 0x7fffffff),
      Buffer.alloc(1 << 20),
    ]);
    const before = process.memoryUsage().arrayBuffers;
    const [first, second] = [await readAll(block, {}, 4096), await readAll(packet, {}, 4096)];
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 << 20);
    expect(code(first)).toEqual(["too-long", small.bytes.length]);
    expect(code(second)).toEqual(["too-long", 24 + 16 + event.length]);
    expect([first.records.length, second.records.length]).toEqual([3, 1]);
  });

  test("within the limit make the window grow to what is needed, and no further", async () => {
    const large = linked(12, message(true, 0x100, 0, Buffer.alloc(2 << 20)));
    const file = small.bytes;
    const both = Buffer.concat([file, new PcapngBuilder().packet(0, 4n, large).bytes]);
    expect((await readAll(both, { windowBytes: 8192 })).records).toHaveLength(4);
    expect(code(await readAll(both, { maxBlockBytes: 1 << 20 }))).toEqual(["too-long", file.length]);
  });

  test("more interfaces than a file may have are refused", async () => {
    const one = new PcapngBuilder().interface().bytes;
    const file = Buffer.concat([new PcapngBuilder().section().bytes, ...Array.from({ length: 65_537 }, () => one)]);
    expect((await readAll(file)).error?.code).toBe("too-long");
  });
});

test("a file that cannot be opened or read is the system's refusal, not a bad capture", async () => {
  for (const [path, op, errno] of [
    ["/nonexistent/x.pcapng", "open", "ENOENT"],
    [tmpdir(), "read", "EISDIR"],
  ] as const) {
    const thrown = await readAll(path).catch((error: unknown) => error);
    expect(isOpError(thrown)).toBe(true);
    expect(thrown).toMatchObject({ op, errno });
  }
});

test("an error of the byte source itself passes through as it is", async () => {
  const broken = new Error("the line went dead");
  async function* source(): AsyncGenerator<Uint8Array> {
    yield small.bytes.subarray(0, 100);
    throw broken;
  }
  const reading = (async () => {
    for await (const _ of readCapture(source()));
  })();
  await expect(reading).rejects.toBe(broken);
});

test("a consumer that stops early closes the source", async () => {
  let closed = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield small.bytes;
    } finally {
      closed = true;
    }
  }
  for await (const _ of readCapture(source())) break;
  expect(closed).toBe(true);
});

test("a CaptureError is recognised by its shape", async () => {
  const { error } = await readAll(Buffer.alloc(0));
  expect([error instanceof CaptureError, isCaptureError(error), isCaptureError(new Error("CaptureError"))]).toEqual([
    true,
    true,
    false,
  ]);
  expect(error!.message).toBe("empty: at byte 0: no bytes");
});
