/**
 * conntrack's text as the real tools printed it, in a lab (test/fixtures/conntrack-text/make): every line must become the message
 * that says what conntrack's own XML and commands say of the same flow.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PACKET, readCapture } from "@conntrail/capture";
import { CT_STATUS, formatAddress } from "@conntrail/model";
import { type ConntrackMessage, type ConntrackTuple, decodeConntrack } from "@conntrail/netlink";
import { describe, expect, test } from "vitest";
import { readAll } from "./read-all.ts";

const FOLDER: string = join(import.meta.dirname, "../fixtures/conntrack-text");

interface Row {
  readonly event: string;
  readonly protocol: number;
  readonly timeout: number | null;
  /** Source, destination, and ports, keys, or type, code and id. */
  readonly original: readonly (string | number)[];
  readonly reply: readonly (string | number)[];
  readonly status: readonly string[];
  readonly state: string | null;
  readonly zone: number;
  readonly zoneOriginal: number;
  readonly zoneReply: number;
  readonly id: number | null;
  readonly mark: number;
  readonly counters: readonly (readonly number[])[] | null;
  readonly helper: string | null;
  readonly start: number;
  readonly stop: number;
}

interface Fixture {
  readonly command: string;
  /** What this output does not print. */
  readonly lacks?: readonly (keyof Row)[];
  /** /proc walks the table in another order than a dump. */
  readonly anyOrder?: boolean;
  readonly rows: readonly Row[];
}

const STATES: Readonly<Record<number, readonly string[]>> = {
  6: [
    "NONE",
    "SYN_SENT",
    "SYN_RECV",
    "ESTABLISHED",
    "FIN_WAIT",
    "CLOSE_WAIT",
    "LAST_ACK",
    "TIME_WAIT",
    "CLOSE",
    "SYN_SENT2",
  ],
  33: ["NONE", "REQUEST", "RESPOND", "PARTOPEN", "OPEN", "CLOSEREQ", "CLOSING", "TIMEWAIT", "IGNORE", "INVALID"],
  132: [
    "NONE",
    "CLOSED",
    "COOKIE_WAIT",
    "COOKIE_ECHOED",
    "ESTABLISHED",
    "SHUTDOWN_SENT",
    "SHUTDOWN_RECD",
    "SHUTDOWN_ACK_SENT",
  ],
};
const STATUS_WORDS: Readonly<Record<string, number>> = {
  SEEN_REPLY: CT_STATUS.seenReply,
  ASSURED: CT_STATUS.assured,
  SRC_NAT: CT_STATUS.srcNat,
  DST_NAT: CT_STATUS.dstNat,
  OFFLOAD: CT_STATUS.offload,
  HW_OFFLOAD: CT_STATUS.hwOffload,
};

const fixtures: readonly string[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".json"))
  .map((name) => name.slice(0, -".json".length));

function fixture(name: string): Fixture {
  return JSON.parse(readFileSync(join(FOLDER, `${name}.json`), "utf8")) as Fixture;
}

describe.each(fixtures.filter((name) => fixture(name).rows.length > 0))("%s", (name) => {
  const { lacks = [], anyOrder = false, rows } = fixture(name);

  test("every line becomes the message that the kernel's flow stands for", async () => {
    const { messages, problems, counts } = await readMessages(name);
    expect(problems).toEqual([]);
    expect(counts).toMatchObject({ lines: rows.length, packets: rows.length, badLines: 0 });
    // The outputs were made one after the other: a timeout may have gone down by some seconds meanwhile.
    const seen = messages.map(toRow);
    const expected = rows.map((row) => withoutPrinted(row, lacks));
    const order = (list: readonly Row[]): readonly Row[] => (anyOrder ? list.toSorted(byTuple) : list);
    for (const [i, row] of order(seen).entries()) {
      const { timeout, ...rest } = order(expected)[i]!;
      expect({ ...row, timeout: null }, `row ${i}`).toEqual({ ...rest, timeout: null });
      if (rest.event !== "row") expect(row.timeout).toBe(timeout);
      else if (timeout !== null) expect(Math.abs(row.timeout! - timeout)).toBeLessThanOrEqual(3);
    }
  });

  test("lines without an event stand between the begin and the end of a dump, events stand alone", async () => {
    const { records } = await readAll(join(FOLDER, `${name}.txt`));
    let listing = false;
    for (const record of records) {
      if (record.kind === "dump") listing = record.phase === "begin";
      else expect(record.kind === "netlink" && record.multicast).toBe(!listing);
    }
    expect(records.filter((record) => record.kind === "dump" && record.phase === "begin").length).toBe(
      records.filter((record) => record.kind === "dump" && record.phase === "end").length,
    );
  });
});

test.each(["events-options", "events-options-plain"])(
  "times of -o timestamp are kept to the microsecond: %s",
  async (name) => {
    const text = readFileSync(join(FOLDER, `${name}.txt`), "utf8");
    const { records } = await readAll(join(FOLDER, `${name}.txt`));
    const printed = [...text.matchAll(/^\[(\d+\.\d+)/gm)].map((match) => Math.round(Number(match[1]) * 1e6) / 1000);
    expect(records.map((record) => record.timeMs)).toEqual(printed);
  },
);

test("expectations are passed over, and the summary on stderr as well", async () => {
  const { counts, problems, error } = await readAll(join(FOLDER, "expectations.txt"));
  expect([error, problems, counts.lines, counts.skippedLines]).toEqual([undefined, [], 0, 2]);
  expect((await readAll(join(FOLDER, "list-options.txt"))).counts.skippedLines).toBe(1);
});

test.each(["list-xml", "list-save"])("%s, which is not read, is refused with its reason", async (name) => {
  const { error } = await readAll(join(FOLDER, `${name}.txt`));
  expect(error).toMatchObject({ code: "unsupported", offset: 0 });
  expect(error!.message).toMatch(/-o (?:xml|save)/);
});

test("each fixture says where it came from", () => {
  for (const name of fixtures) {
    expect(fixture(name)).toMatchObject({
      command: expect.stringMatching(/conntrack/),
      kernel: expect.stringMatching(/^Linux /),
      tool: expect.stringMatching(/^conntrack v/),
      date: "2026-11-22",
    });
  }
});

async function readMessages(name: string) {
  const problems: unknown[] = [];
  const reader = readCapture(join(FOLDER, `${name}.txt`), { onProblem: (problem) => problems.push(problem) });
  const messages: ConntrackMessage[] = [];
  for await (const item of reader) {
    if (item.kind !== "packets") continue;
    for (let i = 0; i < item.count; i++) {
      const message = decodeConntrack(item.block, item.offsets[i], item.lengths[i]);
      expect(item.flags[i]).toBe(message.kind === "row" ? 0 : PACKET.multicast);
      messages.push(message);
    }
  }
  return { messages, problems, counts: reader.counts };
}

function toRow(message: ConntrackMessage): Row {
  const { original, reply, protoInfo, originalCounters: sent, replyCounters: received } = message;
  return {
    event: message.kind,
    protocol: original.proto.number,
    timeout: message.timeout ?? null,
    original: tupleWords(original),
    reply: tupleWords(reply),
    status: Object.keys(STATUS_WORDS).filter((word) => (message.status! & STATUS_WORDS[word]!) !== 0),
    state: protoInfo === undefined ? null : STATES[original.proto.number]![protoInfo.state]!,
    zone: message.zone ?? 0,
    zoneOriginal: original.zone ?? 0,
    zoneReply: reply.zone ?? 0,
    id: message.id ?? null,
    mark: message.mark ?? 0,
    counters: sent && received ? [sent, received].map(({ packets, bytes }) => [Number(packets), Number(bytes)]) : null,
    helper: message.helper?.name ?? null,
    start: Number((message.startNs ?? 0n) / 1_000_000_000n),
    stop: Number((message.stopNs ?? 0n) / 1_000_000_000n),
  };
}

function tupleWords({ source, destination, proto }: ConntrackTuple): (string | number)[] {
  const keys =
    proto.kind === "ports"
      ? [proto.sourcePort, proto.destinationPort]
      : proto.kind === "icmp"
        ? [proto.type, proto.code, proto.id]
        : [];
  return [address(source), address(destination), ...keys];
}

function address(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  return formatAddress(new Uint32Array(bytes.slice().buffer));
}

/** The expected row as far as this output prints it. */
function withoutPrinted(row: Row, lacks: readonly (keyof Row)[]): Row {
  const bare: Partial<Record<keyof Row, unknown>> = { ...row };
  for (const field of lacks) bare[field] = field === "start" || field === "stop" ? 0 : null;
  return bare as unknown as Row;
}

function byTuple(a: Row, b: Row): number {
  return JSON.stringify([a.protocol, a.original]) < JSON.stringify([b.protocol, b.original]) ? -1 : 1;
}
