/** What `decodeConntrack` makes of attributes no fixture shows: old kernels, new kernels, and messages that cannot be. Source: `linux/netfilter/nfnetlink_conntrack.h`. */
import {
  type ConntrackMessage,
  type ConntrackRequest,
  conntrackKind,
  decodeConntrack,
  encodeConntrack,
  encodeConntrackDump,
  encodeConntrackRequest,
  MessageWriter,
  writeConntrackRequest,
} from "@conntrail/netlink";
import { describe, expect, test } from "vitest";
import { hex } from "./bytes.ts";

const ORIGINAL = `
  3400 0180
    1400 0180 0800 0100 0a010002 0800 0200 0a020002
    1c00 0280 0500 0100 06000000 0600 0200 98160000 0600 0300 1f900000`;
const REPLY = `
  3400 0280
    1400 0180 0800 0100 0a020002 0800 0200 0a010002
    1c00 0280 0500 0100 06000000 0600 0200 1f900000 0600 0300 98160000`;

const PLAIN: ConntrackMessage = {
  kind: "update",
  family: 2,
  original: {
    source: Uint8Array.of(10, 1, 0, 2),
    destination: Uint8Array.of(10, 2, 0, 2),
    proto: { kind: "ports", number: 6, sourcePort: 38934, destinationPort: 8080 },
  },
  reply: {
    source: Uint8Array.of(10, 2, 0, 2),
    destination: Uint8Array.of(10, 1, 0, 2),
    proto: { kind: "ports", number: 6, sourcePort: 8080, destinationPort: 38934 },
  },
};

/** A message of type IPCTNL_MSG_CT_NEW around these attributes. */
function message(attributes: string, type = 0x100, flags = 0): Uint8Array {
  const writer = new MessageWriter();
  writer.begin({ type, flags });
  writer.raw(hex("02000000"));
  writer.raw(hex(attributes));
  writer.end();
  return writer.bytes;
}

interface Row {
  readonly name: string;
  readonly attributes: string;
  readonly value: Partial<ConntrackMessage>;
}

const ROWS: readonly Row[] = [
  { name: "tuples alone are enough", attributes: "", value: {} },
  {
    name: "counters of 32 bits",
    attributes: `
      1400 0980 0800 0300 00000007 0800 0400 fffffffe
      1400 0a80 0800 0300 00000001 0800 0400 00000002`,
    value: {
      originalCounters: { packets: 7n, bytes: 0xfffffffen },
      replyCounters: { packets: 1n, bytes: 2n },
    },
  },
  {
    name: "counters of 64 bits win over those of 32, in any order",
    attributes: `
      2c00 0980 0800 0300 00000007 0c00 0100 00000001 00000000
        0c00 0200 00000002 00000000 0800 0400 00000009`,
    value: { originalCounters: { packets: 1n << 32n, bytes: 1n << 33n } },
  },
  {
    name: "a mark of 0 is not a missing mark",
    attributes: "0800 0800 00000000",
    value: { mark: 0 },
  },
  {
    name: "the top bit of status, mark and id is no sign",
    attributes: "0800 0300 80000000 0800 0800 ffffffff 0800 0c00 fffffffe",
    value: { status: 0x80000000, mark: 0xffffffff, id: 0xfffffffe },
  },
  {
    name: "DCCP, which kernels before 6.16 track",
    attributes: "2400 0480 2000 0280 0500 0100 03000000 0500 0200 01000000 0c00 0300 00000000 00000005",
    value: { protoInfo: { kind: "dccp", state: 3, role: 1, handshakeSequence: 5n } },
  },
  {
    name: "TCP state alone, as in DESTROY since 86d21fc74745",
    attributes: "1000 0480 0c00 0180 0500 0100 07000000",
    value: { protoInfo: { kind: "tcp", state: 7 } },
  },
  {
    name: "TCP flags and their mask",
    attributes: "2000 0480 1c00 0180 0500 0100 03000000 0600 0400 2308 0000 0600 0500 0a00 0000",
    value: {
      protoInfo: { kind: "tcp", state: 3, originalFlags: { flags: 0x23, mask: 8 }, replyFlags: { flags: 10, mask: 0 } },
    },
  },
  {
    name: "SCTP tags",
    attributes: "2000 0480 1c00 0380 0500 0100 04000000 0800 0200 deadbeef 0800 0300 00000001",
    value: { protoInfo: { kind: "sctp", state: 4, originalTag: 0xdeadbeef, replyTag: 1 } },
  },
  {
    name: "the state of a protocol that is not known yet is skipped",
    attributes: "1000 0480 0c00 0980 0500 0100 07000000",
    value: {},
  },
  {
    name: "a helper with what it knows",
    attributes: "1800 0580 0800 0100 66747000 0900 0200 0102030405000000",
    value: { helper: { name: "ftp", info: Uint8Array.of(1, 2, 3, 4, 5) } },
  },
  {
    name: "NAT, sequence adjustment, security context, SYN proxy and mark mask are passed over",
    attributes: `
      0c00 0680 0800 0100 0a020001
      0c00 0d80 0800 0100 0a020001
      0c00 0f80 0800 0100 00000001
      0c00 1080 0800 0100 00000001
      0800 1100 00000001
      0c00 1380 0600 0100 61000000
      0c00 1880 0800 0100 00000001
      0800 1500 ffffffff`,
    value: {},
  },
  {
    name: "an attribute of a kernel newer than this is passed over, whatever it holds",
    attributes: "0900 ff3f 0102030405000000 0400 4000 0800 0c00 00000009",
    value: { id: 9 },
  },
  {
    name: "padding of type CTA_STATUS before a timestamp, as machines with strict alignment send it",
    attributes: "0800 0300 00000008 0400 0300 0c00 1b00 18ea5ef1 749bb5a1",
    value: { status: 8, eventNs: 0x18ea5ef1749bb5a1n },
  },
  {
    name: "a start without a stop",
    attributes: "1000 1480 0c00 0100 18ea5ef1 6a026b3e",
    value: { startNs: 0x18ea5ef16a026b3en },
  },
  {
    name: "of an attribute that comes twice the last counts",
    attributes: "0800 0c00 00000001 0800 0c00 00000002",
    value: { id: 2 },
  },
];

describe("attributes", () => {
  test.each(ROWS)("$name", ({ attributes, value }) => {
    expect(decodeConntrack(message(ORIGINAL + REPLY + attributes))).toEqual({ ...PLAIN, ...value });
  });
});

interface ErrorRow {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly error: { readonly code: string; readonly path: string; readonly message: string };
}

const tuple = (inner: string): string => {
  const bytes = hex(inner);
  const head = Buffer.alloc(2);
  head.writeUInt16LE(bytes.length + 4);
  return `${head.toString("hex")} 0180 ${inner}`;
};
const IP = "1400 0180 0800 0100 0a010002 0800 0200 0a020002";

const ERRORS: readonly ErrorRow[] = [
  {
    name: "no original tuple",
    bytes: message(REPLY),
    error: { code: "missing-attribute", path: "", message: "missing-attribute: expected tuple-orig" },
  },
  {
    name: "no reply tuple",
    bytes: message(ORIGINAL),
    error: { code: "missing-attribute", path: "", message: "missing-attribute: expected tuple-reply" },
  },
  {
    name: "a tuple without addresses",
    bytes: message(`${tuple("0c00 0280 0500 0100 06000000")}${REPLY}`),
    error: { code: "missing-attribute", path: "tuple-orig", message: "missing-attribute: tuple-orig: expected ip" },
  },
  {
    name: "a tuple without a protocol",
    bytes: message(`${tuple(IP)}${REPLY}`),
    error: { code: "missing-attribute", path: "tuple-orig", message: "missing-attribute: tuple-orig: expected proto" },
  },
  {
    name: "a protocol without a number",
    bytes: message(`${tuple(`${IP} 0c00 0280 0600 0200 1f900000`)}${REPLY}`),
    error: {
      code: "missing-attribute",
      path: "tuple-orig: proto",
      message: "missing-attribute: tuple-orig: proto: expected num",
    },
  },
  {
    name: "one port of two",
    bytes: message(`${tuple(`${IP} 1400 0280 0500 0100 06000000 0600 0200 1f900000`)}${REPLY}`),
    error: {
      code: "missing-attribute",
      path: "tuple-orig: proto",
      message: "missing-attribute: tuple-orig: proto: expected both ports, got one",
    },
  },
  {
    name: "an ICMP id without type and code",
    bytes: message(`${tuple(`${IP} 1400 0280 0500 0100 01000000 0600 0400 00020000`)}${REPLY}`),
    error: {
      code: "missing-attribute",
      path: "tuple-orig: proto",
      message: "missing-attribute: tuple-orig: proto: expected icmp-id, icmp-type and icmp-code",
    },
  },
  {
    name: "a port of one byte",
    bytes: message(`${tuple(`${IP} 1400 0280 0500 0100 06000000 0500 0200 1f000000`)}${REPLY}`),
    error: {
      code: "truncated",
      path: "tuple-orig: proto",
      message: "truncated: tuple-orig: proto: src-port: expected 2 bytes, got 1",
    },
  },
  {
    name: "an IPv6 address in an IPv4 attribute",
    bytes: message(`${tuple("2000 0180 1400 0100 00000000000000000000000000000001 0800 0200 0a020002")}${REPLY}`),
    error: {
      code: "bad-length",
      path: "tuple-orig: ip",
      message: "bad-length: tuple-orig: ip: v4-src: expected 4 bytes, got 16",
    },
  },
  {
    name: "a state of no bytes",
    bytes: message(`${ORIGINAL}${REPLY} 0c00 0480 0800 0180 0400 0100`),
    error: {
      code: "truncated",
      path: "protoinfo: tcp",
      message: "truncated: protoinfo: tcp: state: expected 1 bytes, got 0",
    },
  },
  {
    name: "a message of another subsystem",
    bytes: message(ORIGINAL + REPLY, 0x200),
    error: {
      code: "unexpected-message",
      path: "",
      message: "unexpected-message: expected a conntrack entry, got type 0x0200",
    },
  },
  {
    name: "the end of a dump",
    bytes: hex("14000000 03000200 00000000 00000000 00000000"),
    error: {
      code: "unexpected-message",
      path: "",
      message: "unexpected-message: expected a conntrack entry, got type 0x0003",
    },
  },
  {
    name: "a header and nothing behind it",
    bytes: hex("10000000 00010000 00000000 00000000"),
    error: { code: "truncated", path: "", message: "truncated: expected 4 bytes of nfgenmsg" },
  },
  {
    name: "no bytes",
    bytes: hex(""),
    error: { code: "truncated", path: "", message: "truncated: expected a message, got no bytes" },
  },
];

describe("messages that cannot be", () => {
  test.each(ERRORS)("$name", ({ bytes, error }) => {
    expect(() => decodeConntrack(bytes)).toThrow(expect.objectContaining({ name: "DecodeError", ...error }));
  });
});

test.each([
  { name: "new: a NEW that was created", type: 0x100, flags: 0x600, kind: "new" },
  { name: "update: a NEW without more", type: 0x100, flags: 0, kind: "update" },
  { name: "row: part of an answer", type: 0x100, flags: 0x2, kind: "row" },
  { name: "row: part of a filtered answer", type: 0x100, flags: 0x22, kind: "row" },
  { name: "destroy", type: 0x102, flags: 0, kind: "destroy" },
  { name: "a request is no entry", type: 0x101, flags: 0x301, kind: undefined },
  { name: "an expectation is no entry", type: 0x200, flags: 0x600, kind: undefined },
])("kind – $name", ({ type, flags, kind }) => {
  expect(conntrackKind(type, flags)).toBe(kind);
});

describe("requests", () => {
  const entry: ConntrackRequest = { family: 2, original: PLAIN.original, timeout: 100, status: 0xe, mark: 7 };

  test("create: exclusively, attributes in network order", () => {
    expect(encodeConntrackRequest("create", entry)).toEqual(
      hex(`
        60000000 00010106 00000000 00000000 02000000
        ${ORIGINAL}
        0800 0300 0000000e
        0800 0700 00000064
        0800 0800 00000007`),
    );
  });

  test("update, delete and get differ from it by type and flags", () => {
    const head = (operation: "update" | "delete" | "get"): string =>
      Buffer.from(encodeConntrackRequest(operation, entry).subarray(4, 8)).toString("hex");
    expect([head("update"), head("delete"), head("get")]).toEqual(["00010100", "02010100", "01010100"]);
  });

  test("many requests are written one behind the other", () => {
    const writer = new MessageWriter();
    writeConntrackRequest(writer, "create", entry);
    writeConntrackRequest(writer, "delete", entry);
    expect(writer.bytes).toEqual(
      Uint8Array.of(...encodeConntrackRequest("create", entry), ...encodeConntrackRequest("delete", entry)),
    );
  });

  test("a dump of everything is a header and an empty nfgenmsg", () => {
    expect(encodeConntrackDump()).toEqual(hex("14000000 01010103 00000000 00000000 00000000"));
  });

  test("a dump filtered by everything there is", () => {
    const filter = {
      family: 2,
      protocol: 6,
      zone: 7,
      mark: { value: 1, mask: 0xff },
      status: { value: 2, mask: 3 },
    };
    expect(encodeConntrackDump(filter)).toEqual(
      hex(`
        58000000 01010103 00000000 00000000 02000000
        1000 0180 0c00 0280 0500 0100 06000000
        0c00 1980 0800 0100 08000000 # host order
        0800 0300 00000002 0800 1a00 00000003
        0800 0800 00000001 0800 1500 000000ff
        0600 1200 00070000`),
    );
  });

  test("a protocol without a family is refused: so would the kernel", () => {
    expect(() => encodeConntrackDump({ protocol: 6 })).toThrow(RangeError);
  });

  test("an address of three bytes is refused", () => {
    const bad = { ...PLAIN, original: { ...PLAIN.original, source: Uint8Array.of(1, 2, 3) } };
    expect(() => encodeConntrack(bad)).toThrow(RangeError);
  });
});

test("counters without their other half, a protocol without its state and a helper without a name are not told", () => {
  const halves = "1000 0980 0c00 0200 0000000000000001 0c00 0480 0800 0180 0400 0900 0400 0580";
  const value = decodeConntrack(message(`${ORIGINAL}${REPLY} ${halves}`));
  expect([value.originalCounters, value.protoInfo, value.helper]).toEqual([undefined, undefined, undefined]);
});
