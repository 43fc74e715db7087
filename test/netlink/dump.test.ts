/** Dumps and acknowledged requests against scripted answers: netlink(7), RFC 3549 2.3.2, Documentation/userspace-api/netlink/intro.rst. */
import { type DumpResult, dump, type NetlinkSocket, request } from "@conntrail/netlink/socket";
import { describe, expect, test } from "vitest";
import { hex } from "./bytes.ts";
import { type Received, scriptedSocket } from "./scripted-socket.ts";

const REQUEST = hex("14000000 01010000 00000000 00000000 02000000");

/** A data message whose payload is one byte, and three of padding. */
const data = (byte: string, flags = "0200"): string => `11000000 0001${flags} SEQPORTS ${byte}000000`;
const DONE = "14000000 03000200 SEQPORTS 00000000";
const ACK = "24000000 02000001 SEQPORTS 00000000 14000000 01010500 00000000 00000000";

interface Row {
  readonly name: string;
  readonly script: readonly Received[];
  /** The payload bytes that were delivered, one list for each call. */
  readonly delivered: readonly (readonly string[])[];
  readonly result: Partial<DumpResult>;
}

const ROWS: readonly Row[] = [
  { name: "an empty dump", script: [[DONE]], delivered: [], result: { messages: 0 } },
  {
    name: "messages in one datagram are delivered together, the end is not",
    script: [[`${data("aa")} ${data("bb")} ${DONE}`]],
    delivered: [["aa", "bb"]],
    result: { messages: 2 },
  },
  {
    name: "datagrams are delivered one by one, over any number of calls",
    script: [[data("aa"), `${data("bb")} ${data("cc")}`], [], [data("dd"), DONE]],
    delivered: [["aa"], ["bb", "cc"], ["dd"]],
    result: { messages: 4 },
  },
  {
    name: "NLM_F_DUMP_INTR on any message: rows may be missing",
    script: [[`${data("aa", "1200")} ${DONE}`]],
    delivered: [["aa"]],
    result: { messages: 1, interrupted: true },
  },
  {
    name: "NLM_F_DUMP_INTR on the end alone",
    script: [["14000000 03001200 SEQPORTS 00000000"]],
    delivered: [],
    result: { interrupted: true },
  },
  {
    name: "an end with an error",
    script: [[data("aa"), "14000000 03000200 SEQPORTS f4ffffff"]],
    delivered: [["aa"]],
    result: { messages: 1, error: "ENOMEM" },
  },
  {
    name: "a refusal",
    script: [["24000000 02000001 SEQPORTS ffffffff 14000000 01010103 00000000 00000000"]],
    delivered: [],
    result: { error: "EPERM" },
  },
  {
    name: "a refusal with the kernel's own words, the request capped",
    script: [
      [
        `34000000 02000003 SEQPORTS eaffffff 14000000 01010103 00000000 00000000
         0800 0200 14000000
         0800 0100 6e6f2100`,
      ],
    ],
    delivered: [],
    result: { error: "EINVAL", detail: "no!" },
  },
  {
    name: "a refusal with the kernel's own words behind the whole request",
    script: [
      [
        `30000000 02000002 SEQPORTS eaffffff 14000000 01010103 00000000 00000000 02000000
         0800 0100 6e6f2100`,
      ],
    ],
    delivered: [],
    result: { error: "EINVAL", detail: "no!" },
  },
  {
    name: "messages of another sequence or port are passed over",
    script: [
      [
        `11000000 00010200 ffffffff04030201 ee000000 ${data("aa")}
         11000000 00010200 00000000ffffffff ee000000 ${data("bb")}
         14000000 03000200 ffffffff04030201 00000000
         ${DONE}`,
      ],
    ],
    delivered: [["aa"], ["bb"]],
    result: { messages: 2 },
  },
  {
    name: "NLMSG_NOOP is passed over",
    script: [[`${data("aa")} 10000000 01000000 SEQPORTS ${data("bb")} ${DONE}`]],
    delivered: [["aa"], ["bb"]],
    result: { messages: 2 },
  },
  {
    name: "a datagram that did not fit: what was lost is told",
    script: [[`${data("aa")} TRUNCATED`, DONE]],
    delivered: [["aa"]],
    result: { error: "EMSGSIZE" },
  },
  {
    name: "an overrun: what is there is delivered, and what never comes is not waited for",
    script: [[data("aa")], "overrun", [data("bb")], []],
    delivered: [["aa"], ["bb"]],
    result: { messages: 2, error: "ENOBUFS" },
  },
];

describe("dump", () => {
  test.each(ROWS)("$name", ({ script, delivered, result }) => {
    const socket = scriptedSocket(script);
    const seen: string[][] = [];
    // A clock that stands still: where nothing is there, 20 ms are waited before the next look.
    const options = { deadlineMs: 20, now: () => 0 };
    const outcome = dump(socket, REQUEST, (...run) => seen.push(payloads(...run)), options);
    expect(seen).toEqual(delivered);
    expect(outcome).toEqual({
      messages: 0,
      interrupted: false,
      error: undefined,
      detail: undefined,
      ...outcomeOf(result, delivered),
    });
  });

  test("fills in length, flags, sequence and port on a copy, a new sequence each time", () => {
    const socket = scriptedSocket([[DONE], [DONE]]);
    const before = REQUEST.slice();
    dump(socket, REQUEST, () => {});
    dump(socket, REQUEST, () => {});
    const [first, second] = socket.sent.map((bytes) => new DataView(bytes.buffer));
    expect(REQUEST).toEqual(before);
    expect(first!.getUint32(0, true)).toBe(REQUEST.length);
    expect(first!.getUint16(6, true)).toBe(0x301);
    expect(first!.getUint32(12, true)).toBe(socket.portId);
    expect(second!.getUint32(8, true)).toBe(first!.getUint32(8, true) + 1);
  });

  test("an error thrown by the receiver ends the deliveries, and is thrown when the dump is over", () => {
    const socket = scriptedSocket([[data("aa")], [data("bb")], [DONE], [data("ee")]]);
    let calls = 0;
    const failing = (): void => {
      calls++;
      throw new TypeError("a bug");
    };
    expect(() => dump(socket, REQUEST, failing)).toThrow("a bug");
    expect(calls).toBe(1);
    expect(socket.receive(), "the dump was read to its end, and no further").toBe(1);
  });

  test("an answer that does not end is given up at the deadline", () => {
    let time = 0;
    const socket = scriptedSocket([[data("aa")]]);
    const now = (): number => time++;
    expect(() => dump(socket, REQUEST, () => {}, { deadlineMs: 5, now })).toThrow(
      expect.objectContaining({ name: "OpError", op: "dump", errno: "ETIMEDOUT" }),
    );
  });

  test("an answer that never ends is given up as well", () => {
    let time = 0;
    const endless: NetlinkSocket = { ...scriptedSocket([]), receive: () => 0 };
    expect(() => dump(endless, REQUEST, () => {}, { deadlineMs: 3, now: () => time++ })).toThrow("ETIMEDOUT");
  });

  test("a socket with groups cannot dump: events would come between", () => {
    const listening: NetlinkSocket = { ...scriptedSocket([]), groups: [1] };
    expect(() => dump(listening, REQUEST, () => {})).toThrow(TypeError);
  });
});

describe("request", () => {
  test("asks for an acknowledgement, and delivers what comes before it", () => {
    const socket = scriptedSocket([[data("aa"), ACK]]);
    const seen: string[][] = [];
    const outcome = request(socket, REQUEST, (...run) => seen.push(payloads(...run)));
    expect(outcome).toEqual({ messages: 1, interrupted: false, error: undefined, detail: undefined });
    expect(seen).toEqual([["aa"]]);
    expect(new DataView(socket.sent[0]!.buffer).getUint16(6, true)).toBe(0x5);
  });

  test("an acknowledgement with an error", () => {
    const socket = scriptedSocket([["24000000 02000001 SEQPORTS feffffff 14000000 01010500 00000000 00000000"]]);
    expect(request(socket, REQUEST)).toMatchObject({ error: "ENOENT" });
  });
});

/** The payload bytes of a run of `data` messages, each of which takes 20 bytes. */
function payloads(block: Uint8Array, offset: number, length: number): string[] {
  const bytes: string[] = [];
  for (let at = offset; at < offset + length; at += 20)
    bytes.push(Buffer.from(block.subarray(at + 16, at + 17)).toString("hex"));
  return bytes;
}

function outcomeOf(result: Partial<DumpResult>, delivered: Row["delivered"]): Partial<DumpResult> {
  return { messages: delivered.flat().length, ...result };
}
