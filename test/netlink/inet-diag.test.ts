/** Requests to sock_diag(7) and answers no fixture shows. Source: `linux/inet_diag.h`. */
import { decodeInetDiag, encodeInetDiagLookup, encodeInetDiagRequest, INET_DIAG } from "@conntrail/netlink";
import { describe, expect, test } from "vitest";
import { fixture, hex } from "./bytes.ts";

describe("requests", () => {
  test("everything of IPv4 and TCP, with INET_DIAG_INFO", () => {
    expect(encodeInetDiagRequest({ family: 2, protocol: 6, extensions: [INET_DIAG.info] })).toEqual(
      hex(`
        48000000 14000103 00000000 00000000
        02060200 # family, protocol, extensions: 1 << (INET_DIAG_INFO - 1)
        ffffffff # states
        00000000 # ports
        00000000 00000000 00000000 00000000
        00000000 00000000 00000000 00000000
        00000000 # interface
        ffffffff ffffffff # INET_DIAG_NOCOOKIE`),
    );
  });

  const end = { local: hex("0a000002"), localPort: 0x1234, remote: hex("0a000009"), remotePort: 0x50 };

  test("the one socket of an end of TCP", () => {
    expect(encodeInetDiagLookup({ family: 2, protocol: 6, ...end })).toEqual(
      hex(`
        48000000 14000100 00000000 00000000
        02060000 ffffffff
        12340050
        0a000002 00000000 00000000 00000000
        0a000009 00000000 00000000 00000000
        00000000
        ffffffff ffffffff`),
    );
  });

  test("the one socket of UDP is asked for as the receiver of what the remote end sends", () => {
    const bytes = encodeInetDiagLookup({ family: 2, protocol: 17, ...end });
    expect(bytes.subarray(16, 18)).toEqual(hex("0211"));
    expect(bytes.subarray(24, 32)).toEqual(hex("00501234 0a000009"));
    expect(bytes.subarray(44, 48)).toEqual(hex("0a000002"));
  });

  test("listeners of IPv6 and UDP, with two extensions", () => {
    const bytes = encodeInetDiagRequest({ family: 10, protocol: 17, states: 1 << 7, extensions: [1, 8] });
    expect(bytes.subarray(16, 24)).toEqual(hex("0a118100 80000000"));
  });

  test("an extension that the eight bits do not hold is refused", () => {
    expect(() => encodeInetDiagRequest({ family: 2, protocol: 6, extensions: [INET_DIAG.cgroupId] })).toThrow(
      RangeError,
    );
  });
});

describe("answers", () => {
  const listen = fixture("sock-diag", "tcp-listen");

  test("a socket of an older kernel lacks what that did not send", () => {
    const fixedPart = listen.slice(0, 16 + 72);
    fixedPart[0] = fixedPart.length;
    fixedPart[1] = 0;
    const value = decodeInetDiag(fixedPart);
    expect(value).toMatchObject({ sourcePort: 8080, state: 10 });
    expect(value).not.toHaveProperty("cgroupId");
    expect(value).not.toHaveProperty("tcp");
  });

  test("tcp_info of Linux 4.0 has no byte counters", () => {
    const short = withAttribute(listen.slice(0, 16 + 72), INET_DIAG.info, 120);
    expect(decodeInetDiag(short).tcp).toEqual({ rttMicros: 0, totalRetransmits: 0 });
  });

  test("something shorter than tcp_info, as other protocols put there, is skipped", () => {
    expect(decodeInetDiag(withAttribute(listen.slice(0, 16 + 72), INET_DIAG.info, 100))).not.toHaveProperty("tcp");
  });

  test("the two words of a cookie are one number, the low word first", () => {
    const bytes = listen.slice();
    bytes.set(hex("01000000 02000000"), 16 + 44);
    expect(decodeInetDiag(bytes).cookie).toBe(0x2_0000_0001n);
  });

  test.each([
    {
      name: "another message",
      bytes: hex("14000000 03000200 00000000 00000000 00000000"),
      message: "unexpected-message: expected SOCK_DIAG_BY_FAMILY, got type 3",
    },
    {
      name: "an inet_diag_msg cut short",
      bytes: hex("14000000 14000200 00000000 00000000 02010000"),
      message: "truncated: expected 72 bytes of inet_diag_msg, got 4",
    },
    { name: "no bytes", bytes: hex(""), message: "truncated: expected a message, got no bytes" },
    {
      name: "a shutdown of no bytes",
      bytes: withAttribute(listen.slice(0, 16 + 72), INET_DIAG.shutdown, 0),
      message: "truncated: shutdown: expected 1 bytes, got 0",
    },
  ])("an error: $name", ({ bytes, message }) => {
    expect(() => decodeInetDiag(bytes)).toThrow(expect.objectContaining({ name: "DecodeError", message }));
  });
});

/** The message with one attribute of `length` zero bytes behind it. */
function withAttribute(message: Uint8Array, type: number, length: number): Uint8Array {
  const bytes = new Uint8Array(message.length + 4 + length);
  bytes.set(message);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(message.length, 4 + length, true);
  view.setUint16(message.length + 2, type, true);
  return bytes;
}
