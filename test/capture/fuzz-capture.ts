/**
 * The fuzz of reading: damaged captures of every format through the reader, and every message that still comes out through the
 * decoders. Anything but records, CaptureError and DecodeError is a finding; so is a reader that hands out more than it was given.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { CaptureError, type PacketBatch, readCapture } from "@conntrail/capture";
import { decodeConntrack, decodeInetDiag, isDecodeError, MessageCursor, NETLINK_FAMILY } from "@conntrail/netlink";
import { linked, message, PcapngBuilder, pcap } from "./build-capture.ts";
import { mutate, type Random, seeded } from "./mutate.ts";
import { chunks } from "./read-all.ts";

const FIXTURES: string = join(import.meta.dirname, "../fixtures");

/** What the damage begins with: real recordings and text, and built files of the other byte order. */
export function samples(): Uint8Array[] {
  const from = (folder: string, suffix: RegExp): Uint8Array[] =>
    readdirSync(join(FIXTURES, folder))
      .filter((name) => suffix.test(name))
      .map((name) => readFileSync(join(FIXTURES, folder, name)));
  const built = [true, false].flatMap((little) => {
    const event = linked(12, message(little, 0x100, 0x600, Buffer.alloc(60)));
    const file = new PcapngBuilder(little)
      .section([1, 0], [4, Buffer.from("x")])
      .interface(253, [2, Buffer.from("netns:1/netfilter")]);
    for (let i = 0; i < 5; i++) file.packet(0, BigInt(i), event, [[2, Buffer.from([9, 0, 0, 0])]]);
    file.sidecar(11, 1n, '{"final":true}').sidecar(3, 2n, '{"netns":1}');
    return [
      file.bytes,
      pcap(little, 0xa1b2c3d4, [
        { time: [1, 2], bytes: event },
        { time: [2, 3], bytes: event },
      ]),
    ];
  });
  const captures = [...from("capture", /\.p?cap(?:ng)?$/), ...from("conntrack-text", /\.txt$/), ...built];
  return [...captures, ...captures.slice(0, 3).map((bytes) => gzipSync(bytes))];
}

/** What a run of the fuzz has seen. */
export interface FuzzTally {
  runs: number;
  packets: number;
  sidecars: number;
  messages: number;
  decodeErrors: number;
  captureErrors: Record<string, number>;
}

/** An empty tally. */
export function noTally(): FuzzTally {
  return { runs: 0, packets: 0, sidecars: 0, messages: 0, decodeErrors: 0, captureErrors: {} };
}

/** One damaged file, read to its end. Throws what should not have happened, with the seed in its message. */
export async function fuzzOnce(seed: number, from: readonly Uint8Array[], tally: FuzzTally): Promise<void> {
  const random = seeded(seed);
  const bytes = mutate(from[random(from.length)]!, from, random);
  try {
    await readDamaged(bytes, random, tally);
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
  }
  tally.runs++;
}

async function readDamaged(bytes: Uint8Array, random: Random, tally: FuzzTally): Promise<void> {
  const chunkBytes = random(3) === 0 ? 1 + random(500) : Number.POSITIVE_INFINITY;
  const reader = readCapture(chunks(bytes, chunkBytes), { windowBytes: 4096, maxBlockBytes: 1 << 20 });
  let packets = 0;
  try {
    for await (const item of reader) {
      if (item.kind !== "packets") {
        tally.sidecars++;
        continue;
      }
      packets += item.count;
      decodeAll(item, reader.sources, tally);
    }
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    tally.captureErrors[error.code] = (tally.captureErrors[error.code] ?? 0) + 1;
    if (error.offset > 64 * 1024 * 1024) throw new Error(`an offset of ${error.offset}`);
  }
  if (packets !== reader.counts.packets) throw new Error(`${packets} packets, ${reader.counts.packets} counted`);
  tally.packets += packets;
}

function decodeAll(batch: PacketBatch, sources: readonly { readonly family: number }[], tally: FuzzTally): void {
  for (let i = 0; i < batch.count; i++) {
    const offset = batch.offsets[i]!;
    const length = batch.lengths[i]!;
    if (offset + length > batch.block.length)
      throw new Error(`a packet from ${offset} of ${length} bytes, beyond its block`);
    const { family } = sources[batch.sources[i]!]!;
    const decode = family === NETLINK_FAMILY.sockDiag ? decodeInetDiag : decodeConntrack;
    try {
      const cursor = new MessageCursor(batch.block).over(offset, length);
      while (cursor.next()) {
        tally.messages++;
        decode(batch.block, cursor.offset, cursor.end - cursor.offset);
      }
    } catch (error) {
      if (!isDecodeError(error)) throw error;
      tally.decodeErrors++;
    }
  }
}
