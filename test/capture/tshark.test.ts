/**
 * Other people's tools on our files. tshark must list the conntrack messages of a recording; where it is not installed, a walk over the
 * file by the format's own rules stands in for it, and the test's name in the report says so.
 */
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CaptureRecord, createCaptureWriter, type NetlinkRecord } from "@conntrail/capture";
import { encodeConntrack, MessageCursor } from "@conntrail/netlink";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readAll } from "./read-all.ts";

const FIXTURES: string = join(import.meta.dirname, "../fixtures/capture");
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "conntrail-tshark-"));
});
afterAll(() => rm(folder, { recursive: true }));

function tool(name: string, ...args: string[]): string | undefined {
  try {
    return execFileSync(name, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
const tshark: boolean = tool("tshark", "--version") !== undefined;
if (!tshark) console.warn("tshark is not installed: its part is played by a walk over the blocks");

const records: readonly CaptureRecord[] = Array.from({ length: 20 }, (_, i): CaptureRecord => {
  if (i % 5 === 4) return { kind: "tick", timeMs: 1_700_000_000_000 + i, final: false, wallAheadMs: 0 };
  const ports = { number: 6, sourcePort: 40_000 + i, destinationPort: 80 };
  const [source, destination] = [Uint8Array.of(10, 0, 0, 1), Uint8Array.of(10, 0, 0, 2)];
  const bytes = encodeConntrack({
    kind: i % 2 === 0 ? "new" : "destroy",
    family: 2,
    original: { source, destination, proto: { kind: "ports", ...ports } },
    reply: {
      source: destination,
      destination: source,
      proto: { kind: "ports", number: 6, sourcePort: 80, destinationPort: 40_000 + i },
    },
    id: i + 1,
  }).slice();
  return {
    kind: "netlink",
    timeMs: 1_700_000_000_000 + i,
    netns: 4026531840,
    family: 12,
    outgoing: false,
    multicast: true,
    bytes,
  };
});
const events = records.filter((record) => record.kind === "netlink");
const expected: readonly (readonly string[])[] = events.map((_, at) => {
  const i = records.indexOf(events[at]!);
  return [i % 2 === 0 ? "0x0100" : "0x0102", `0x${(i + 1).toString(16).padStart(8, "0")}`, `${40_000 + i},80`];
});

describe.each(["plain", "gzip"])("a recording, %s", (packing) => {
  test(`lists its conntrack messages to ${tshark ? "tshark" : "a walk over its blocks (tshark is not installed)"}`, async () => {
    const path = join(folder, `listed.pcapng${packing === "gzip" ? ".gz" : ""}`);
    const writer = await createCaptureWriter(path, { compress: packing === "gzip" });
    for (const record of records) writer.write(record);
    await writer.close();
    expect(tshark ? listedByTshark(path) : await listedByWalk(path)).toEqual(expected);
  });
});

test("the recording made in the lab reads as tshark read it when it was made", async () => {
  const { packets } = JSON.parse(await readFile(join(FIXTURES, "lab.json"), "utf8")) as { packets: string[][] };
  const { records } = await readAll(join(FIXTURES, "lab.pcapng"));
  const seen = records.flatMap((record) => (record.kind === "netlink" ? [headers(record)] : []));
  expect(seen).toEqual(packets);
});

test.runIf(tshark)("editcap copies a recording with all that is not netlink in it", async () => {
  const copy = join(folder, "copy.pcapng");
  tool("editcap", join(FIXTURES, "lab.pcapng"), copy);
  const [before, after] = [await readAll(join(FIXTURES, "lab.pcapng")), await readAll(copy)];
  expect(after.error).toBeUndefined();
  expect(after.records).toEqual(before.records);
  expect(after.counts.sidecars).toBeGreaterThan(3);
});

function listedByTshark(path: string): string[][] {
  const fields = [
    "netlink.hdr_type",
    "netlink-netfilter.ct_attr.id",
    "netlink-netfilter.nfct_tuple.proto.src_port",
    "netlink-netfilter.nfct_tuple.proto.dst_port",
  ];
  const args = ["-r", path, "-Y", "netlink-netfilter", "-T", "fields", ...fields.flatMap((field) => ["-e", field])];
  const lines = tool("tshark", ...args)!
    .split("\n")
    .filter((line) => line !== "");
  return lines.map((line) => {
    const [type, id, sources, destinations] = line.split("\t") as [string, string, string, string];
    return [type, id, `${sources.split(",")[0]},${destinations.split(",")[0]}`];
  });
}

/** The columns of lab.json: time, family, and of each message type, flags and length, then the interface. */
function headers({ bytes, family, netns, timeMs }: NetlinkRecord): string[] {
  const hex = (value: number): string => `0x${value.toString(16).padStart(4, "0")}`;
  const cursor = new MessageCursor(bytes);
  const [types, flags, lengths]: [string[], string[], string[]] = [[], [], []];
  while (cursor.next()) {
    // tshark shows no type of sock_diag's, and the flags of a request twice: in general and as those of its type.
    if (family !== 4) types.push(hex(cursor.type));
    flags.push(...Array<string>(cursor.flags & 1 ? 2 : 1).fill(hex(cursor.flags)));
    lengths.push(String(cursor.end - cursor.offset));
  }
  const name = `netns:${netns}/${family === 4 ? "sock_diag" : "netfilter"}`;
  const micros = Math.round(timeMs * 1000);
  const time = `${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, "0")}000`;
  return [time, hex(family), types.join(), flags.join(), lengths.join(), name];
}

/** Blocks, link headers and attributes by hand: offsets from the format descriptions, nothing from the code under test. */
async function listedByWalk(path: string): Promise<string[][]> {
  const { gunzipSync } = await import("node:zlib");
  const raw = await readFile(path);
  const file = path.endsWith(".gz") ? gunzipSync(raw) : raw;
  const found: string[][] = [];
  for (let at = 0; at < file.length; at += file.readUInt32LE(at + 4)) {
    if (file.readUInt32LE(at) !== 6) continue;
    const message = file.subarray(at + 28 + 16, at + 28 + file.readUInt32LE(at + 20));
    const ids: string[] = [];
    let ports = "";
    for (let attribute = 20; attribute < message.length; attribute += (message.readUInt16LE(attribute) + 3) & ~3) {
      const type = message.readUInt16LE(attribute + 2) & 0x3fff;
      if (type === 12) ids.push(`0x${message.subarray(attribute + 4, attribute + 8).toString("hex")}`);
      // tuple: 4; ip: 4 + 8 + 8; proto: 4; number: 8; source port at +4, destination port 8 further on
      if (type === 1) ports = `${message.readUInt16BE(attribute + 40)},${message.readUInt16BE(attribute + 48)}`;
    }
    found.push([`0x${message.readUInt16LE(4).toString(16).padStart(4, "0")}`, ids.join(), ports]);
  }
  return found;
}

test("the walk that stands in for tshark finds the same", async () => {
  const path = join(folder, "walked.pcapng");
  const writer = await createCaptureWriter(path);
  for (const record of records) writer.write(record);
  await writer.close();
  expect(await listedByWalk(path)).toEqual(expected);
});
