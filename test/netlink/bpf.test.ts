/** The assembler for classic BPF: labels become distances. Source: Documentation/networking/filter.rst. That the kernel does what a filter says: socket.test.ts. */
import { assembleBpf, BPF, type BpfLine } from "@conntrail/netlink";
import { describe, expect, test } from "vitest";

const KEEP: BpfLine = { code: BPF.return, k: 1 };
const DROP: BpfLine = { code: BPF.return, k: 0 };

interface Row {
  readonly name: string;
  readonly lines: readonly BpfLine[];
  /** code, jt, jf, k */
  readonly program: readonly (readonly [number, number, number, number])[];
}

const ROWS: readonly Row[] = [
  { name: "no lines are no program", lines: [], program: [] },
  {
    name: "a comparison goes to its labels, or on",
    lines: [
      { code: BPF.loadByte, k: 5 },
      { code: BPF.jumpEqual, k: 1, ifTrue: "keep", ifFalse: "drop" },
      { code: BPF.jumpEqual, k: 2, ifFalse: "drop" },
      { code: BPF.jumpEqual, k: 3, ifTrue: "drop" },
      "keep",
      KEEP,
      "drop",
      DROP,
    ],
    program: [
      [0x30, 0, 0, 5],
      [0x15, 2, 3, 1],
      [0x15, 0, 2, 2],
      [0x15, 1, 0, 3],
      [0x06, 0, 0, 1],
      [0x06, 0, 0, 0],
    ],
  },
  {
    name: "a plain jump",
    lines: [{ goTo: "drop" }, KEEP, "drop", DROP],
    program: [
      [0x05, 0, 0, 1],
      [0x06, 0, 0, 1],
      [0x06, 0, 0, 0],
    ],
  },
];

const instructions = (program: Row["program"]): object[] => program.map(([code, jt, jf, k]) => ({ code, jt, jf, k }));

describe("assembling", () => {
  test.each(ROWS)("$name", ({ lines, program }) => {
    expect(assembleBpf(lines)).toEqual(instructions(program));
  });

  test("255 instructions can be skipped by a comparison, 256 need a plain jump", () => {
    const filler = (count: number): BpfLine[] => Array.from({ length: count }, () => ({ code: BPF.toIndex }));
    const test = (count: number): readonly object[] =>
      assembleBpf([{ code: BPF.jumpEqual, k: 9, ifTrue: "end" }, ...filler(count), "end", DROP]);
    expect(test(255)[0]).toEqual({ code: 0x15, jt: 255, jf: 0, k: 9 });
    expect(test(256).slice(0, 3)).toEqual(
      instructions([
        [0x15, 0, 1, 9],
        [0x05, 0, 0, 257],
        [0x05, 0, 0, 0],
      ]),
    );
    expect(test(256)).toHaveLength(260);
  });

  test("a jump that grows may push others too far: they grow as well", () => {
    const lines: BpfLine[] = [
      { code: BPF.jumpEqual, k: 1, ifTrue: "near" },
      { code: BPF.jumpEqual, k: 2, ifTrue: "far" },
      ...Array.from({ length: 254 }, () => ({ code: BPF.toIndex })),
      "near",
      { code: BPF.toIndex },
      { code: BPF.toIndex },
      "far",
      DROP,
    ];
    const program = assembleBpf(lines);
    expect(program).toHaveLength(3 + 3 + 254 + 2 + 1);
    // Each plain jump lands on the same instruction as its label.
    expect(1 + program[1]!.k + 1).toBe(6 + 254);
    expect(4 + program[4]!.k + 1).toBe(6 + 254 + 2);
  });

  test("a label that is missing, or that lies behind, is refused", () => {
    expect(() => assembleBpf([{ goTo: "nowhere" }])).toThrow("no label nowhere");
    expect(() => assembleBpf(["loop", { goTo: "loop" }])).toThrow("behind");
  });
});
