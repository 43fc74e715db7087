/**
 * Classic BPF programs for sockets: instructions, and an assembler that resolves labels. Sources: `linux/filter.h`,
 * Documentation/networking/filter.rst. The option `filter` of `openNetlinkSocket` attaches what this assembles.
 */
import { BPF } from "./filter-enum.ts";

/** `struct sock_filter`. */
export interface BpfInstruction {
  readonly code: number;
  /** Instructions to skip when a comparison holds, and when it does not. */
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** A label as text, a plain jump, or an operation: a code of BPF, its operand, and for comparisons the labels to go to; a missing one is the next line. */
export type BpfLine =
  | string
  | { readonly goTo: string }
  | { readonly code: number; readonly k?: number; readonly ifTrue?: string; readonly ifFalse?: string };

type Operation = Exclude<BpfLine, string>;

/** The most instructions that a conditional jump can skip (u8). */
const NEAR = 255;

/**
 * Assembles a program. Labels lie ahead of the jumps to them, as the kernel demands. A comparison that jumps too far for its eight bits
 * becomes a comparison and plain jumps. Throws RangeError for a label that is missing or lies behind.
 */
export function assembleBpf(lines: readonly BpfLine[]): readonly BpfInstruction[] {
  const far = new Set<Operation>();
  for (;;) {
    const labels = placeLabels(lines, far);
    const stretched = far.size;
    const program = emit(lines, labels, far);
    if (far.size === stretched) return program;
  }
}

function placeLabels(lines: readonly BpfLine[], far: ReadonlySet<Operation>): ReadonlyMap<string, number> {
  const labels = new Map<string, number>();
  let position = 0;
  for (const line of lines) {
    if (typeof line === "string") labels.set(line, position);
    else position += far.has(line) ? 3 : 1;
  }
  return labels;
}

function emit(
  lines: readonly BpfLine[],
  labels: ReadonlyMap<string, number>,
  far: Set<Operation>,
): readonly BpfInstruction[] {
  const program: BpfInstruction[] = [];
  const jump = (k: number): BpfInstruction => ({ code: BPF.jump, jt: 0, jf: 0, k });
  for (const line of lines) {
    if (typeof line === "string") continue;
    const next = program.length + 1;
    if ("goTo" in line) {
      program.push(jump(distance(labels, line.goTo, next)));
      continue;
    }
    const { code, k = 0, ifTrue, ifFalse } = line;
    if (far.has(line)) {
      program.push({ code, jt: 0, jf: 1, k });
      program.push(jump(ifTrue === undefined ? 1 : distance(labels, ifTrue, next + 1)));
      program.push(jump(ifFalse === undefined ? 0 : distance(labels, ifFalse, next + 2)));
    } else {
      const jt = ifTrue === undefined ? 0 : distance(labels, ifTrue, next);
      const jf = ifFalse === undefined ? 0 : distance(labels, ifFalse, next);
      if (jt > NEAR || jf > NEAR) far.add(line);
      program.push({ code, jt: Math.min(jt, NEAR), jf: Math.min(jf, NEAR), k });
    }
  }
  return program;
}

/** Instructions between `from` and a label. */
function distance(labels: ReadonlyMap<string, number>, label: string, from: number): number {
  const position = labels.get(label);
  if (position === undefined) throw new RangeError(`no label ${label}`);
  if (position < from) throw new RangeError(`label ${label} lies behind the jump to it`);
  return position - from;
}
