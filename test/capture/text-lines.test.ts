/** Lines of conntrack's text that are odd, broken, or from other versions; the clock of text without times. */
import { gzipSync } from "node:zlib";
import { detectFormat, type ReadOptions } from "@conntrail/capture";
import { CT_STATUS } from "@conntrail/model";
import { type ConntrackMessage, decodeConntrack } from "@conntrail/netlink";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readAll } from "./read-all.ts";

const TUPLES = "src=10.0.0.1 dst=10.0.0.2 sport=5000 dport=80 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=5000";
const LISTED = `tcp      6 100 ESTABLISHED ${TUPLES} [ASSURED] mark=0 use=1`;
const NEW = `    [NEW] tcp      6 120 SYN_SENT ${TUPLES}`;

async function read(text: string, options: ReadOptions = {}) {
  const outcome = await readAll(Buffer.from(text), options);
  const messages: ConntrackMessage[] = [];
  const times: number[] = [];
  for (const record of outcome.records) {
    if (record.kind !== "netlink") continue;
    messages.push(decodeConntrack(record.bytes));
    times.push(record.timeMs);
  }
  return { ...outcome, messages, times };
}

const one = async (line: string): Promise<ConntrackMessage | undefined> => (await read(`${line}\n`)).messages[0];

describe("a line that cannot be read is counted, told with its number, and the next one is read", () => {
  test.each([
    [
      "is cut off within the reply",
      "tcp 6 100 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 src=10.0.0.2 ds",
      "bad-line",
    ],
    ["is cut off before the reply", "tcp 6 100 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2", "missing-field"],
    [
      "lacks a port",
      "tcp 6 100 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1 src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1",
      "missing-field",
    ],
    ["has a port that is none", `tcp 6 100 ESTABLISHED ${TUPLES.replace("5000", "65536")}`, "bad-number"],
    ["has a timeout that is none", `tcp 6 99999999999 ESTABLISHED ${TUPLES}`, "bad-number"],
    ["has a mark that is none", `${LISTED} mark=-1`, "bad-number"],
    ["has counters that are none", `tcp 6 1 ESTABLISHED ${TUPLES} packets=x bytes=1`, "bad-number"],
    ["has a date that is none", `${LISTED} [start=yesterday]`, "bad-number"],
    ["has an address that is none", `tcp 6 1 ESTABLISHED ${TUPLES.replace("10.0.0.1", "10.0.0.256")}`, "bad-address"],
    ["mixes families", `tcp 6 1 ESTABLISHED ${TUPLES.replace("10.0.0.1", "fd00::1")}`, "bad-address"],
    [
      "has tuples of two families",
      "udp 17 1 src=fd00::1 dst=fd00::2 sport=1 dport=2 src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1",
      "bad-address",
    ],
    ["has three tuples", `tcp 6 1 ESTABLISHED ${TUPLES} src=10.0.0.1`, "bad-line"],
    ["has a stray word among its fields", `${LISTED} what`, "bad-line"],
    ["has a protocol beyond 255", `tcp 256 1 ESTABLISHED ${TUPLES}`, "bad-line"],
    ["is prose", "there is nothing to see here", "bad-line"],
  ])("one that %s", async (_what, line, code) => {
    const { problems, messages, counts } = await read(`${LISTED}\n${line}\n${NEW}\n`);
    expect(problems).toMatchObject([{ name: "ParseError", code, line: 2 }]);
    expect(problems[0]!.text).toBe(line.slice(0, 200));
    expect([counts.lines, counts.badLines, messages.length]).toEqual([2, 1, 2]);
  });

  test("and one of absurd length, without keeping it in memory", async () => {
    const long = `tcp 6 ${"9".repeat(3_000_000)}`;
    const { problems, counts } = await read(`${LISTED}\n${long}\n${NEW}\n${long}`, { windowBytes: 8192 });
    expect(problems.map((problem) => [problem.code, problem.line])).toEqual([
      ["too-long", 2],
      ["too-long", 4],
    ]);
    expect([counts.lines, counts.badLines]).toEqual([2, 2]);
    expect(problems[0]!.message.length).toBeLessThan(400);
  });
});

test("F65 a last line without a newline may be cut anywhere: it is told, and not read", async () => {
  const { counts, problems, messages } = await read(`${LISTED}\n${NEW}`);
  expect([counts.lines, counts.badLines, messages.length]).toEqual([1, 1, 1]);
  expect(problems).toMatchObject([{ code: "cut-off", line: 2, column: NEW.length + 1 }]);
  expect((await read(`${LISTED}\n  `)).counts).toMatchObject({ lines: 1, badLines: 0, skippedLines: 1 });
});

test("lines may end as DOS ends them, and blank lines and comments are passed over", async () => {
  const { counts, messages } = await read(`# what follows was pasted\r\n\r\n${LISTED}\r\n   \r\n${NEW}\r\n`);
  expect([counts.lines, counts.badLines, counts.skippedLines, messages[1]?.kind]).toEqual([2, 0, 3, "new"]);
});

describe("F65 a line whose beginning was cut off, or whose name and number contradict, is told with its place", () => {
  test.each([
    ["a number for a protocol", "udp 29 src=10.0.0.1", "udp", "udp is 17, not 29"],
    ["a timeout for one", `[1700000000.000001]\t [UPDATE] tcp      120 FIN_WAIT ${TUPLES}`, "tcp", "tcp is 6, not 120"],
    ["half a name", `cp      6 120 FIN_WAIT ${TUPLES}`, "cp", "6 is tcp, not cp"],
    ["half a network protocol", `v4     2 tcp      6 431999 ESTABLISHED ${TUPLES} use=1`, "v4", "2 is ipv4, not v4"],
    ["another one", `ipv6     2 tcp      6 431999 ESTABLISHED ${TUPLES} use=1`, "ipv6", "ipv6 is 10, not 2"],
    ["no name", `6 46 TIME_WAIT ${TUPLES}`, "6 46", "expected a protocol and its number"],
    ["what every object has", `constructor tcp      6 120 FIN_WAIT ${TUPLES}`, "constructor", "expected a protocol"],
    ["half an event", `DATE] tcp      6 120 FIN_WAIT ${TUPLES}`, "DATE]", "expected a protocol and its number"],
    ["half a field", `tcp      6 120 FIN_WAIT ${TUPLES} 0 use=1`, "0 use", '"0" among the fields'],
    ["addresses of the other family", `ipv6     10 tcp      6 100 SYN_SENT ${TUPLES}`, "", "of another family"],
    ["nothing behind a tuple", "udp      17 29 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2", "", "expected two tuples"],
  ])("%s", async (_what, line, fault, facts) => {
    const column = 1 + (fault === "" ? line.length : line.indexOf(fault));
    const { problems, counts } = await read(`${LISTED}\n${line}\n${NEW}\n`);
    expect(problems).toMatchObject([{ line: 2, column }]);
    expect(problems[0]!.message).toContain(`line 2, column ${column}: `);
    expect(problems[0]!.message).toContain(facts);
    expect([counts.lines, counts.badLines]).toEqual([2, 1]);
  });

  test("an expectation is still none, with or without its timeout, and a protocol without a name keeps its number", async () => {
    const { counts, messages } = await read(
      `300 proto=6 ${TUPLES}\nproto=6 ${TUPLES}\n300 l3proto = 2 proto=6 ${TUPLES}\nunknown 50 29 src=10.0.0.1 dst=10.0.0.2 src=10.0.0.2 dst=10.0.0.1\n`,
    );
    expect([counts.skippedLines, counts.badLines, messages.map(({ original }) => original.proto.number)]).toEqual([
      3,
      0,
      [50],
    ]);
  });
});

describe("what a line says", () => {
  test("a destroyed TCP flow may have neither timeout nor state", async () => {
    const message = await one(`[DESTROY] tcp      6 ${TUPLES} packets=1 bytes=2`);
    expect(message).toMatchObject({ kind: "destroy" });
    expect([message!.timeout, message!.protoInfo]).toEqual([undefined, undefined]);
  });

  test("a state that this version has no word for is not told", async () => {
    expect((await one(`tcp 6 100 PONDERING ${TUPLES}`))!.protoInfo).toBeUndefined();
  });

  test("DCCP's states are understood also where conntrack prints them with SCTP's words", async () => {
    const line = (state: string) => one(`dccp 33 10 ${state} ${TUPLES}`);
    expect([(await line("OPEN"))!.protoInfo, (await line("COOKIE_WAIT"))!.protoInfo]).toEqual([
      { kind: "dccp", state: 4 },
      { kind: "dccp", state: 2 },
    ]);
  });

  test("/proc prints no timeout for an offloaded flow, and GRE's timeouts among the fields", async () => {
    const offloaded = await one(`ipv4     2 tcp      6 ${TUPLES} [HW_OFFLOAD] mark=0 zone=0 use=3`);
    expect(offloaded!.status! & CT_STATUS.hwOffload).not.toBe(0);
    const gre =
      "timeout=30, stream_timeout=180 src=10.0.0.1 dst=10.0.0.2 srckey=0x0 dstkey=0x4d src=10.0.0.2 dst=10.0.0.1 srckey=0x4d dstkey=0x0";
    expect((await one(`ipv4     2 gre      47 28 ${gre} use=2`))!.original.proto).toEqual({
      kind: "ports",
      number: 47,
      sourcePort: 0,
      destinationPort: 77,
    });
  });

  test("the id of a flow and the id of an ICMP echo are told apart", async () => {
    const line =
      "icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=501 src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=501 mark=0 id=4000000000";
    const message = await one(line);
    expect([message!.original.proto, message!.id]).toEqual([
      { kind: "icmp", number: 1, type: 8, code: 0, id: 501 },
      4_000_000_000,
    ]);
    expect((await one(line.replace(" id=4000000000", "")))!.id).toBeUndefined();
  });

  test("counters of 64 bits are kept to the last digit", async () => {
    const counted = TUPLES.replace(" src=10.0.0.2", " packets=18446744073709551615 bytes=1 src=10.0.0.2");
    expect((await one(`tcp 6 1 CLOSE ${counted} packets=0 bytes=9007199254740993`))!.replyCounters!.bytes).toBe(
      9007199254740993n,
    );
    expect((await one(`tcp 6 1 CLOSE ${counted}`))!.originalCounters!.packets).toBe(18446744073709551615n);
  });

  test("an IPv4-mapped address in an IPv6 flow stays 16 bytes long", async () => {
    const message = await one(
      "udp 17 1 src=::ffff:10.0.0.1 dst=fd00::2 sport=1 dport=2 src=fd00::2 dst=::ffff:10.0.0.1 sport=2 dport=1",
    );
    expect([message!.family, message!.original.source.length]).toEqual([10, 16]);
  });

  test("fields and flags of a newer kernel are passed over", async () => {
    const message = await one(
      `${LISTED} secctx=system_u:object_r:unlabeled_t:s0 colour=blue [SHINY] labels=a,b helper=ftp`,
    );
    expect(message).toMatchObject({
      helper: { name: "ftp" },
      status: CT_STATUS.confirmed | CT_STATUS.seenReply | CT_STATUS.assured,
    });
  });

  test("what follows [USERSPACE] belongs to whoever caused the event", async () => {
    const message = await one(`[DESTROY] tcp 6 ${TUPLES} [USERSPACE] portid=1 progname=src=strange mark=9 name`);
    expect([message!.kind, message!.mark]).toEqual(["destroy", undefined]);
  });

  test.each([
    ["neither end", TUPLES, 0],
    ["the destination's port alone", TUPLES.replace("sport=80", "sport=8080"), CT_STATUS.dstNat],
    ["the source's address", TUPLES.replace("dst=10.0.0.1", "dst=10.0.0.9"), CT_STATUS.srcNat],
    [
      "both",
      TUPLES.replace("src=10.0.0.2 dst=10.0.0.1", "src=10.0.0.8 dst=10.0.0.9"),
      CT_STATUS.srcNat | CT_STATUS.dstNat,
    ],
  ])("NAT shows where the tuples do not mirror each other: %s", async (_what, tuples, status) => {
    expect((await one(`tcp 6 1 ESTABLISHED ${tuples}`))!.status! & (CT_STATUS.srcNat | CT_STATUS.dstNat)).toBe(status);
  });
});

describe("the clock of text", () => {
  test("without times begins at startMs and goes on by stepMs per event; a listing has one time", async () => {
    const text = [LISTED, LISTED, NEW, NEW, LISTED, LISTED, ""].join("\n");
    expect((await read(text)).times).toEqual([0, 0, 1, 2, 3, 3]);
    expect((await read(text, { text: { startMs: 1000, stepMs: 0.5 } })).times).toEqual([
      1000, 1000, 1000.5, 1001, 1001.5, 1001.5,
    ]);
  });

  test("follows the times that lines have, and goes on from the last one where they have none", async () => {
    const { times } = await read(`${NEW}\n[1700000000.000005]\t${NEW}\n${NEW}\n`);
    expect(times).toEqual([0, 1_700_000_000_000.005, 1_700_000_000_001.005]);
  });

  test("understands the microseconds of old versions, which are not padded with zeros", async () => {
    const { times } = await read(`[1700000000.5     ]\t${NEW}\n[1700000000.500000]\t${NEW}\n`);
    expect(times).toEqual([1_700_000_000_000.005, 1_700_000_000_500]);
  });

  test("takes the local time of -o ktimestamp for UTC unless told how far it is ahead", async () => {
    const line = `${LISTED} [start=Sun Nov 22 12:33:59 2026] [stop=Sun Nov  1 00:00:00 2026]\n`;
    const started = Date.UTC(2026, 10, 22, 12, 33, 59);
    const [utc] = (await read(line)).messages;
    expect([utc!.startNs, utc!.stopNs]).toEqual([
      BigInt(started) * 1_000_000n,
      BigInt(Date.UTC(2026, 10, 1)) * 1_000_000n,
    ]);
    const [vienna] = (await read(line, { text: { utcOffsetMinutes: 60 } })).messages;
    expect(vienna!.startNs).toBe(BigInt(started - 3_600_000) * 1_000_000n);
  });
});

test("a listing is a dump in the namespace that the caller names", async () => {
  const { records, reader } = await read(`${LISTED}\n${NEW}\n`, { text: { netns: 77, startMs: 5 } });
  const times = [
    ["dump", 5],
    ["netlink", 5],
    ["dump", 5],
    ["netlink", 6],
  ];
  expect(records.map((record) => [record.kind, record.timeMs])).toEqual(times);
  expect(reader.sources).toEqual([{ netns: 77, family: 12 }]);
});

describe("the format is told from the first bytes", () => {
  const text = (value: string) => detectFormat(Buffer.from(value));

  test.each([
    [LISTED, "conntrack text"],
    [NEW, "conntrack text"],
    [`[1700000000.123456]\t${NEW}`, "conntrack text"],
    [`\n\nconntrack v1.4.7 (conntrack-tools): 1 flow entries have been shown.\n${LISTED}`, "conntrack text"],
    ["    [NEW] 300 proto=6 src=10.32.0.2 dst=10.31.0.2 sport=0 dport=40026", "conntrack text"],
    [`ipv4     2 ${LISTED.replace("mark=0 use=1", "mark=0 zone=0 use=2")}`, "proc text"],
    ["It was a dark and stormy night.", "unknown"],
    ["", "unknown"],
    ["\n", "unknown"],
  ])("%s", (value, format) => {
    expect(text(value)).toBe(format);
  });

  test("gzip is gzip, whatever is in it", () => {
    expect(detectFormat(gzipSync(LISTED))).toBe("gzip");
  });

  test("of compressed text is found inside", async () => {
    const outcome = await readAll(gzipSync(`${LISTED}\n`));
    expect([outcome.reader.format, outcome.counts.lines, outcome.error]).toEqual(["conntrack text", 1, undefined]);
  });
});

test("text is read the same in whatever pieces it arrives", async () => {
  const lines = [LISTED, NEW, "nonsense", `[1700000000.000005]\t${NEW}`, LISTED].join("\n");
  const whole = await readAll(Buffer.from(lines));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 300 }), async (size) => {
      const { records, counts } = await readAll(Buffer.from(lines), { windowBytes: 1 }, size);
      expect([records, counts]).toEqual([whole.records, whole.counts]);
    }),
    { numRuns: 40 },
  );
});

test("any text gives flows and ParseErrors, and nothing else", async () => {
  const word = fc.oneof(
    fc.constantFrom(
      "tcp",
      "6",
      "17",
      "[NEW]",
      "[UPDATE]",
      "src=10.0.0.1",
      "dst=fd00::1",
      "sport=1",
      "dport=2",
      "type=8",
      "id=7",
      "=",
      "[",
      "[start=",
      "zone=1",
      "packets=1",
      "bytes=2",
      "ESTABLISHED",
    ),
    fc.string({ maxLength: 12 }),
  );
  const line = fc.array(word, { maxLength: 16 }).map((words) => words.join(" "));
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 10 }), async (lines) => {
      const { counts, error } = await readAll(Buffer.from(`${LISTED}\n${lines.join("\n")}`));
      expect(error).toBeUndefined();
      expect(counts.lines).toBeGreaterThanOrEqual(1);
    }),
    { numRuns: 300 },
  );
});
