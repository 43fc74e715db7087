/** Attaches a classic BPF program to a socket: `struct sock_fprog`, `linux/filter.h`; SO_ATTACH_FILTER, socket(7). */
import koffi from "koffi";
import type { BpfInstruction } from "../bpf.ts";
import { C, check, libc } from "./libc.ts";
import { allocateNative } from "./native-memory.ts";

const SOCK_FILTER_BYTES = 8;
const POINTER_BYTES = koffi.sizeof("void *");
/** The most that the kernel takes (BPF_MAXINSNS). */
const MAX_INSTRUCTIONS = 4096;

let memory: { readonly address: bigint; readonly buffer: ArrayBuffer } | undefined;

/** Replaces the socket's filter; the kernel copies the program. Throws OpError EINVAL for a program it refuses. */
export function attachFilter(fd: number, program: readonly BpfInstruction[]): void {
  if (program.length === 0 || program.length > MAX_INSTRUCTIONS) {
    throw new RangeError(`a filter has 1 to ${MAX_INSTRUCTIONS} instructions, not ${program.length}`);
  }
  memory ??= allocateNative(MAX_INSTRUCTIONS * SOCK_FILTER_BYTES + 16);
  const view = new DataView(memory.buffer);
  const fprog = MAX_INSTRUCTIONS * SOCK_FILTER_BYTES;
  const u16 = new Uint16Array(memory.buffer);
  const u32 = new Uint32Array(memory.buffer);
  for (const [i, { code, jt, jf, k }] of program.entries()) {
    u16[i * 4] = code;
    view.setUint8(i * SOCK_FILTER_BYTES + 2, jt);
    view.setUint8(i * SOCK_FILTER_BYTES + 3, jf);
    u32[i * 2 + 1] = k;
  }
  u16[fprog / 2] = program.length;
  if (POINTER_BYTES === 8) new BigUint64Array(memory.buffer)[fprog / 8 + 1] = memory.address;
  else u32[fprog / 4 + 1] = Number(memory.address);
  const address = memory.address + BigInt(fprog);
  check("attach filter", libc.setsockopt(fd, C.SOL_SOCKET, C.SO_ATTACH_FILTER, address, 2 * POINTER_BYTES));
}
