/** The words of the model: packed, listed, allocated. */
import {
  allocateColumns,
  CONFIDENCE,
  CONNECTION_FLAG,
  CONNECTION_STATE,
  EVIDENCE,
  FLOW,
  FLOW_FLAG,
  FLOW_WORDS,
  hasPorts,
  indexOf,
  kindFamily,
  kindFlags,
  kindProtocol,
  kindState,
  NAT_KIND,
  OWNER_REASON,
  PROTOCOL,
  packKind,
  protocolName,
  protocolNumber,
  SOCKET,
  SOCKET_WORDS,
  transferables,
} from "@conntrail/model";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

test("a kind word gives back what was packed into it", () => {
  const byte = fc.integer({ min: 0, max: 255 });
  fc.assert(
    fc.property(byte, byte, byte, byte, (protocol, family, state, flags) => {
      const kind = packKind(protocol, family, state, flags);
      expect([kindProtocol(kind), kindFamily(kind), kindState(kind), kindFlags(kind)]).toEqual([
        protocol,
        family,
        state,
        flags,
      ]);
      expect(new Uint32Array([kind])[0]).toBe(kind);
    }),
  );
});

describe("rows", () => {
  const layouts: readonly [string, Readonly<Record<string, number>>, number][] = [
    ["flow", FLOW, FLOW_WORDS],
    ["socket", SOCKET, SOCKET_WORDS],
  ];
  test.each(layouts)(
    "a %s row has a place for every field, inside the row, doubles at even words",
    (_, fields, words) => {
      const used = Object.entries(fields).flatMap(([name, at]) =>
        Array.from({ length: WIDTHS[name] ?? 1 }, (__, i) => at + i),
      );
      expect(new Set(used).size).toBe(used.length);
      expect(Math.max(...used)).toBeLessThan(words);
      expect(words % 2).toBe(0);
      for (const [name, at] of Object.entries(fields)) if (DOUBLES.includes(name)) expect(at % 2).toBe(0);
    },
  );

  test("flags do not overlap, and fit where they are kept", () => {
    for (const [flags, bits] of [
      [FLOW_FLAG, 8],
      [CONNECTION_FLAG, 16],
    ] as const) {
      const values = Object.values(flags);
      const all = values.reduce((sum, flag) => sum | flag, 0);
      expect(values.reduce((sum, flag) => sum + flag, 0)).toBe(all);
      expect(all).toBeLessThan(2 ** bits);
    }
  });
});

const DOUBLES = [
  "firstSeenMs",
  "lastSeenMs",
  "startMs",
  "stopMs",
  "originalPackets",
  "originalBytes",
  "replyPackets",
  "replyBytes",
  "bytesSent",
  "bytesReceived",
];

const WIDTHS: Readonly<Record<string, number>> = {
  originalSource: 4,
  originalDestination: 4,
  replySource: 4,
  replyDestination: 4,
  local: 4,
  remote: 4,
  ...Object.fromEntries(DOUBLES.map((name) => [name, 2])),
};

describe("columns", () => {
  test("have room for every connection, and begin empty", () => {
    const { length, ...columns } = allocateColumns(7);
    expect(length).toBe(0);
    for (const [name, column] of Object.entries(columns)) {
      const isAddress = /Source$|Destination$/.test(name);
      expect([name, column.length]).toEqual([name, isAddress ? 28 : 7]);
      expect(column.every((value: number) => value === 0)).toBe(true);
    }
  });

  test("are moved whole: every array's buffer is listed once", () => {
    const columns = allocateColumns(3);
    const buffers = transferables(columns);
    expect(new Set(buffers).size).toBe(Object.keys(columns).length - 1);
    structuredClone(columns, { transfer: buffers });
    expect(columns.originalSource).toHaveLength(0);
  });

  test("keep a word of a closed list as its index", () => {
    for (const list of [
      EVIDENCE,
      CONFIDENCE,
      CONNECTION_STATE,
      OWNER_REASON,
      NAT_KIND,
    ] as readonly (readonly string[])[]) {
      expect(list.map((word) => indexOf(list, word))).toEqual(list.map((_, i) => i));
    }
  });
});

describe("protocols", () => {
  test("are known by name and by number", () => {
    for (const [name, number] of Object.entries(PROTOCOL)) {
      expect([protocolName(number), protocolNumber(name), protocolNumber(String(number))]).toEqual([
        name,
        number,
        number,
      ]);
    }
    expect(protocolName(255)).toBe("255");
    expect(protocolNumber("TCP")).toBe(6);
  });

  test.each(["", "256", "-1", "6.0", "0x6", "tcp ", "http", "constructor"])("%j is none", (name) => {
    expect(protocolNumber(name)).toBeUndefined();
  });

  test("have ports, except where ends are told apart by other means", () => {
    const without = Object.values(PROTOCOL).filter((protocol) => !hasPorts(protocol));
    expect(without.map(protocolName).toSorted()).toEqual(["gre", "icmp", "icmpv6"]);
  });
});
