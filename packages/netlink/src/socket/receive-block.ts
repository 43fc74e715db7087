/**
 * The memory that `recvmmsg` fills: slots for datagrams, an iovec and a `struct mmsghdr` for each, linked once
 * (recvmmsg(2)). Blocks go back to a pool of their thread when their socket closes, and are never freed: a stale view
 * shows stale bytes, not somebody else's memory. A thread holds as much as its sockets needed at the same time.
 */
import koffi from "koffi";
import { C } from "./libc.ts";
import { allocateNative, type NativeMemory } from "./native-memory.ts";

const POINTER_BYTES = koffi.sizeof("void *");
const IOVEC = koffi.struct({ iov_base: "uintptr_t", iov_len: "size_t" });
const MSGHDR = koffi.struct({
  msg_name: "uintptr_t",
  msg_namelen: "uint32_t",
  msg_iov: "uintptr_t",
  msg_iovlen: "size_t",
  msg_control: "uintptr_t",
  msg_controllen: "size_t",
  msg_flags: "int",
});
const MMSGHDR = koffi.struct({ msg_hdr: MSGHDR, msg_len: "unsigned int" });

/** Asked here and nowhere else: a thread that is terminated while koffi looks a type up takes the process with it. */
const IOVEC_BYTES = koffi.sizeof(IOVEC);
const IOV_LEN = koffi.offsetof(IOVEC, "iov_len");
const HEADER_BYTES = koffi.sizeof(MMSGHDR);
const MSG_IOV = koffi.offsetof(MSGHDR, "msg_iov");
const MSG_IOVLEN = koffi.offsetof(MSGHDR, "msg_iovlen");
const STRIDE_WORDS = HEADER_BYTES / 4;
const LENGTH_WORD = koffi.offsetof(MMSGHDR, "msg_len") / 4;
const FLAGS_WORD = koffi.offsetof(MSGHDR, "msg_flags") / 4;

/** Slots in which datagrams arrive. */
export interface ReceiveBlock {
  readonly slots: number;
  readonly slotBytes: number;
  /** All slots; a view of native memory. */
  readonly block: Uint8Array;
  /** Where each slot begins in `block`: multiples of 64. */
  readonly offsets: Uint32Array;
  /** Bytes in each slot after `collect`. */
  readonly lengths: Uint32Array;
  /** Address of the mmsghdr array. */
  readonly headers: bigint;
  /** Takes over the lengths of the first `count` datagrams from the headers; returns how many of them were cut to the slot. */
  collect(count: number): number;
}

const pool: ReceiveBlock[] = [];
const shared: ReceiveBlock[] = [];

/** Takes a block of this shape from the thread's pool, or allocates one. Throws RangeError unless `slotBytes` is a multiple of 64. */
export function takeReceiveBlock(slots: number, slotBytes: number): ReceiveBlock {
  const index = pool.findIndex(hasShape(slots, slotBytes));
  return index < 0 ? allocateReceiveBlock(slots, slotBytes) : pool.splice(index, 1)[0]!;
}

/** Gives a block back: its views stay readable, and will show other datagrams. */
export function returnReceiveBlock(block: ReceiveBlock): void {
  if (!shared.includes(block)) pool.push(block);
}

/** The thread's one shared block of this shape. */
export function sharedReceiveBlock(slots: number, slotBytes: number): ReceiveBlock {
  const known = shared.find(hasShape(slots, slotBytes));
  if (known !== undefined) return known;
  const block = takeReceiveBlock(slots, slotBytes);
  shared.push(block);
  return block;
}

function hasShape(slots: number, slotBytes: number): (block: ReceiveBlock) => boolean {
  return (block) => block.slots === slots && block.slotBytes === slotBytes;
}

function allocateReceiveBlock(slots: number, slotBytes: number): ReceiveBlock {
  if (!Number.isInteger(slots) || slots < 1) throw new RangeError(`expected at least 1 message per call, got ${slots}`);
  if (slotBytes < 64 || slotBytes % 64 !== 0) throw new RangeError(`expected a multiple of 64 bytes, got ${slotBytes}`);
  const data = allocateNative(slots * slotBytes);
  const iovecs = allocateNative(slots * IOVEC_BYTES);
  const headers = allocateNative(slots * HEADER_BYTES);
  const offsets = new Uint32Array(slots);
  for (let i = 0; i < slots; i++) {
    offsets[i] = i * slotBytes;
    const iovec = i * IOVEC_BYTES;
    writePointer(iovecs, iovec, data.address + BigInt(i * slotBytes));
    writePointer(iovecs, iovec + IOV_LEN, BigInt(slotBytes));
    const header = i * HEADER_BYTES;
    writePointer(headers, header + MSG_IOV, iovecs.address + BigInt(iovec));
    writePointer(headers, header + MSG_IOVLEN, 1n);
  }
  const lengths = new Uint32Array(slots);
  const words = new Uint32Array(headers.buffer);
  return {
    slots,
    slotBytes,
    block: new Uint8Array(data.buffer),
    offsets,
    lengths,
    headers: headers.address,
    collect(count) {
      let truncated = 0;
      for (let i = 0, word = 0; i < count; i++, word += STRIDE_WORDS) {
        lengths[i] = words[word + LENGTH_WORD]!;
        if ((words[word + FLAGS_WORD]! & C.MSG_TRUNC) !== 0) truncated++;
      }
      return truncated;
    },
  };
}

function writePointer(memory: NativeMemory, offset: number, value: bigint): void {
  if (POINTER_BYTES === 8) new BigUint64Array(memory.buffer, offset, 1)[0] = value;
  else new Uint32Array(memory.buffer, offset, 1)[0] = Number(value);
}
