/** Decoders of the trace: formats as kernels write them, records as the header describes them, and any bytes at all. */
import { FAMILY } from "@conntrail/model";
import { isDecodeError } from "@conntrail/netlink";
import { Datagram, ProcessRecord, parseCpuList, parseEventFormat, StateChange } from "@conntrail/trace";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

/** cat events/sock/inet_sock_set_state/format, Linux 6.18; before 5.6 `protocol` had one byte. */
const format = (protocol: string): string => `name: inet_sock_set_state
ID: 2287
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:const void * skaddr;	offset:8;	size:8;	signed:0;
	field:int oldstate;	offset:16;	size:4;	signed:1;
	field:int newstate;	offset:20;	size:4;	signed:1;
	field:__u16 sport;	offset:24;	size:2;	signed:0;
	field:__u16 dport;	offset:26;	size:2;	signed:0;
	field:__u16 family;	offset:28;	size:2;	signed:0;
	field:${protocol} protocol;	offset:30;	size:${protocol === "__u8" ? 1 : 2};	signed:0;
	field:__u8 saddr[4];	offset:32;	size:4;	signed:0;
	field:__u8 daddr[4];	offset:36;	size:4;	signed:0;
	field:__u8 saddr_v6[16];	offset:40;	size:16;	signed:0;
	field:__u8 daddr_v6[16];	offset:56;	size:16;	signed:0;

print fmt: "family=%s protocol=%s", __print_symbolic(REC->family, { 2, "AF_INET" }, { 10, "AF_INET6" })
`;

/** The fields of events/fib/fib_table_lookup/format and its twin for IPv6 that are read, Linux 6.18. */
const lookUp = (family: number): string => {
  const fields =
    family === FAMILY.ipv4
      ? [
          ["u8 proto", 24, 1],
          ["__u8 src[4]", 28, 4],
          ["__u8 dst[4]", 32, 4],
          ["u16 sport", 56, 2],
          ["u16 dport", 58, 2],
        ]
      : [
          ["u8 proto", 68, 1],
          ["__u8 src[16]", 31, 16],
          ["__u8 dst[16]", 47, 16],
          ["u16 sport", 64, 2],
          ["u16 dport", 66, 2],
        ];
  return `name: x\nID: 9\nformat:\n${fields.map(([name, at, size]) => `\tfield:${name};\toffset:${at};\tsize:${size};\tsigned:0;`).join("\n")}\n`;
};

test("a datagram's ends are read wherever the kernel puts them", () => {
  const bytes = new Uint8Array(120);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, 77, true);
  view.setUint32(24, 84, true);
  bytes.set(
    Array.from({ length: 16 }, (_, i) => i + 1),
    28 + 31,
  );
  bytes.set(
    Array.from({ length: 16 }, (_, i) => i + 101),
    28 + 47,
  );
  view.setUint16(28 + 64, 40_000, true);
  view.setUint16(28 + 66, 53, true);
  const datagram = new Datagram(parseEventFormat(lookUp(FAMILY.ipv6)), FAMILY.ipv6, true);
  datagram.read(new Uint32Array(bytes.buffer), 0, 120);
  expect(datagram).toMatchObject({ id: 9, pid: 77, ports: 40_000 * 65_536 + 53, inInterrupt: false });
  expect([...new Uint8Array(datagram.words.buffer)].slice(0, 2)).toEqual([1, 2]);
  expect([...new Uint8Array(datagram.words.buffer)].slice(30)).toEqual([115, 116]);
});

/** A hit in the layout of `format`, with pid 77, tid 78 and cgroup 4242. */
function hit(flags: number): Uint32Array {
  const bytes = new Uint8Array(112);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 9, true);
  view.setUint16(6, 112, true);
  view.setUint32(8, 77, true);
  view.setUint32(12, 78, true);
  view.setBigUint64(16, 5_000_000_000n, true);
  view.setUint32(24, 76, true);
  view.setUint8(28 + 2, flags);
  view.setBigUint64(28 + 8, 0xffff_8881_0234_5640n, true);
  view.setUint32(28 + 16, 2, true);
  view.setUint32(28 + 20, 1, true);
  view.setUint16(28 + 24, 40_000, true);
  view.setUint16(28 + 26, 80, true);
  view.setUint16(28 + 28, 2, true);
  view.setUint16(28 + 30, 6, true);
  bytes.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1], 28 + 40);
  bytes.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 2], 28 + 56);
  view.setBigUint64(104, 4242n, true);
  return new Uint32Array(bytes.buffer);
}

describe("a change of state", () => {
  test.each([{ protocol: "__u16" }, { protocol: "__u8" }])(
    "is read by the kernel's own format, $protocol",
    ({ protocol }) => {
      const change = new StateChange(parseEventFormat(format(protocol)), true);
      change.read(hit(0), 0, 112);
      expect(change).toMatchObject({
        ...{ id: 2287, pid: 77, tid: 78, timeNs: 5e9, cgroup: 4242, socket: 0x8881_0234_5640 },
        ...{ oldState: 2, newState: 1, ports: 40_000 * 65_536 + 80, family: 2, protocol: 6, inInterrupt: false },
      });
      expect([...new Uint8Array(change.words.buffer, change.remoteAt * 4, 16)].slice(12)).toEqual([10, 0, 0, 2]);
    },
  );

  test.each([{ flags: 0x10 }, { flags: 0x08 }])("in an interrupt is nobody's: flags $flags", ({ flags }) => {
    const change = new StateChange(parseEventFormat(format("__u16")), true);
    change.read(hit(flags), 0, 112);
    expect(change.inInterrupt).toBe(true);
  });

  test("of a kernel whose format lacks a field, or has it elsewhere, is refused", () => {
    const text = format("__u16");
    expect(() => new StateChange(parseEventFormat(text.replace("skaddr", "other")), true)).toThrow(/skaddr/);
    expect(() => new StateChange(parseEventFormat(text.replace("offset:16;", "offset:17;")), true)).toThrow(/oldstate/);
    expect(() => parseEventFormat("name: nothing\n")).toThrow(/ID/);
  });
});

/** Any words, and a size that fits into them, as `Ring` guarantees it. */
const anyRecord = fc
  .array(fc.nat(0xffff_ffff), { minLength: 2, maxLength: 64 })
  .map((words) => Uint32Array.from(words.length % 2 === 0 ? words : words.slice(1)));

describe("any bytes", () => {
  test("give a change of state or a DecodeError", () => {
    for (const hasCgroup of [true, false]) {
      const change = new StateChange(parseEventFormat(format("__u16")), hasCgroup);
      fc.assert(
        fc.property(anyRecord, fc.nat(120), (words, rawBytes) => {
          if (words.length > 6) words[6] = rawBytes;
          expectValueOrDecodeError(() => change.read(words, 0, words.length * 4));
        }),
      );
    }
  });

  test("give a datagram or a DecodeError", () => {
    for (const family of [FAMILY.ipv4, FAMILY.ipv6]) {
      const datagram = new Datagram(parseEventFormat(lookUp(family)), family, true);
      fc.assert(
        fc.property(anyRecord, fc.nat(120), (words, rawBytes) => {
          if (words.length > 6) words[6] = rawBytes;
          expectValueOrDecodeError(() => datagram.read(words, 0, words.length * 4));
        }),
      );
    }
  });

  test("give a record of a process or a DecodeError", () => {
    const record = new ProcessRecord();
    fc.assert(
      fc.property(fc.nat(24), anyRecord, (type, words) => {
        expectValueOrDecodeError(() => record.read(type, words, 0, words.length * 4));
        for (const number of [record.pid, record.tid, record.ppid, record.timeNs, record.netns, record.lost]) {
          expect(Number.isFinite(number)).toBe(true);
        }
      }),
    );
  });

  test("give a format or a DecodeError", () => {
    fc.assert(fc.property(fc.string(), (text) => expectValueOrDecodeError(() => parseEventFormat(text))));
    const mangled = fc.tuple(fc.nat(1500), fc.nat(20), fc.string({ maxLength: 5 }));
    fc.assert(
      fc.property(mangled, ([at, length, text]) => {
        const whole = format("__u16");
        const damaged = whole.slice(0, at) + text + whole.slice(at + length);
        expectValueOrDecodeError(() => new StateChange(parseEventFormat(damaged), true).read(hit(0), 0, 112));
      }),
    );
  });
});

test("a list of processors is read as the kernel writes it", () => {
  expect(parseCpuList("0-1\n")).toEqual([0, 1]);
  expect(parseCpuList("0,2-4,9")).toEqual([0, 2, 3, 4, 9]);
  expect(parseCpuList("none,3-99999")).toHaveLength(8_189);
});

function expectValueOrDecodeError(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (!isDecodeError(error)) throw error;
  }
}
