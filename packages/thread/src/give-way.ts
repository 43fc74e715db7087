/**
 * Long slices: a thread of the host that wakes up takes the processor from ours at once, and need not wait for the end of its slice. Shares of the processor stay what they are. Linux does so since 6.12
 * (EEVDF: `sched_runtime` of a thread of SCHED_OTHER is its slice, 0.1 to 100 ms; whoever wakes up with a shorter one need not wait); before, nothing changes. Sources: sched_setattr(2), `linux/sched/types.h`, sched-eevdf.rst.
 */
import koffi from "koffi";

/** The longest that the kernel takes. */
const SLICE_NS = 100_000_000n;

/** sched_setattr and sched_getattr, which glibc has no wrapper for (asm/unistd.h). */
const NUMBERS: Readonly<Partial<Record<NodeJS.Architecture, readonly [set: number, get: number]>>> = {
  x64: [314, 315],
  arm64: [274, 275],
};

/** `struct sched_attr`, SCHED_ATTR_SIZE_VER0: places of what is asked and changed. */
const ATTR = { bytes: 48, size: 0, policy: 4, runtime: 24 } as const;
const SCHED_OTHER = 0;
const THIS_THREAD = 0;

/** Gives this thread long slices, from now on. Does nothing where the kernel or a filter of system calls does not let it, and to a thread of another policy. */
export function giveWay(): void {
  const numbers = NUMBERS[process.arch];
  if (numbers === undefined) return;
  const [set, get] = numbers;
  const syscall = koffi.load(null).func("long syscall(long, long, void *, long, long)");
  const attr = new DataView(new ArrayBuffer(ATTR.bytes));
  const bytes = new Uint8Array(attr.buffer);
  if (Number(syscall(get, THIS_THREAD, bytes, ATTR.bytes, 0)) !== 0) return;
  if (attr.getUint32(ATTR.policy, true) !== SCHED_OTHER) return;
  attr.setUint32(ATTR.size, ATTR.bytes, true);
  attr.setBigUint64(ATTR.runtime, SLICE_NS, true);
  syscall(set, THIS_THREAD, bytes, 0, 0);
}
