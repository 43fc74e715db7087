/**
 * Memory whose address C may keep: allocated by koffi, read through a view. The address of a Node Buffer is not stable for
 * this (decision D-1). It is freed when its thread ends of itself, and not before, so that a view can never dangle; what is big comes from a
 * pool (receive-block.ts), what is small exists once per thread. A thread that is terminated leaves its memory behind.
 */
import { isMainThread } from "node:worker_threads";
import koffi from "koffi";

/** A stretch of native memory, zeroed, with its address. */
export interface NativeMemory {
  readonly address: bigint;
  readonly buffer: ArrayBuffer;
}

const allocated: bigint[] = [];

/** Allocates `bytes` of native memory for the rest of the thread's life. Throws RangeError when there is none. */
export function allocateNative(bytes: number): NativeMemory {
  const address: bigint | null = koffi.alloc("uint8_t", bytes);
  if (!address) throw new RangeError(`cannot allocate ${bytes} bytes of native memory`);
  if (allocated.length === 0) process.once("exit", freeAll);
  allocated.push(address);
  return { address, buffer: koffi.view(address, bytes) };
}

function freeAll(): void {
  // The process gives back its own; the memory of a worker would stay.
  if (!isMainThread) for (const address of allocated) koffi.free(address);
}

/** Bytes of the scratch area. */
const SCRATCH_BYTES = 256;

/** Per thread: arguments and results of one system call; whatever is in it is gone at the next call. */
export const scratch: NativeMemory & {
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly u16: Uint16Array;
} = (() => {
  const memory = allocateNative(SCRATCH_BYTES);
  return {
    ...memory,
    i32: new Int32Array(memory.buffer),
    u32: new Uint32Array(memory.buffer),
    u16: new Uint16Array(memory.buffer),
  };
})();

let sendMemory: (NativeMemory & { readonly bytes: Uint8Array }) | undefined;

/** Per thread: a copy of `source` at a stable address, valid until the next call. Grows to the largest message sent. */
export function stableCopy(source: Uint8Array): { readonly address: bigint; readonly bytes: Uint8Array } {
  if (sendMemory === undefined || sendMemory.bytes.length < source.length) {
    const memory = allocateNative(Math.max(1 << 16, 2 ** Math.ceil(Math.log2(source.length))));
    sendMemory = { ...memory, bytes: new Uint8Array(memory.buffer) };
  }
  sendMemory.bytes.set(source);
  return sendMemory;
}
