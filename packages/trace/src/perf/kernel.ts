/**
 * The functions of libc that perf events need, through koffi (decision D-1 in docs/decisions.md). Sources: perf_event_open(2), mmap(2),
 * ioctl(2), fsopen(2). Neither glibc nor musl has a wrapper for most of them, hence syscall(2).
 */
import { closeSync } from "node:fs";
import { OpError } from "@conntrail/netlink";
import { adoptDescriptor, lastError } from "@conntrail/netlink/socket";
import koffi from "koffi";
import { FS, MMAP, PERF_EVENT_IOC, PERF_FLAG_FD_CLOEXEC, SYSCALL } from "./perf-enum.ts";

const lib = koffi.load(null);
const callBytes = lib.func("long syscall(long, void *, long, long, long, unsigned long)");
const callText = lib.func("long syscall(long, const char *, long, long, long, long)");
const callNumbers = lib.func("long syscall(long, long, long, long, long, long)");
const ioctlNumber = lib.func("int ioctl(int, unsigned long, long)");
const ioctlText = lib.func("int ioctl(int, unsigned long, const char *)");
const mmap = lib.func("intptr_t mmap(void *, size_t, int, int, int, long)");
const munmap = lib.func("int munmap(intptr_t, size_t)");
const sysconf = lib.func("long sysconf(int)");

/** `_SC_PAGESIZE` of glibc and musl. */
const SC_PAGESIZE = 30;

/** Bytes in a page of memory. */
export const pageBytes: number = Number(sysconf(SC_PAGESIZE));

/** A mapped stretch of memory. `buffer` must not be touched after `unmap()`. */
export interface Mapping {
  readonly buffer: ArrayBuffer;
  readonly unmap: () => void;
}

/** perf_event_open(2) for all processes on one CPU. Returns a descriptor that dies with the worker. Throws OpError. */
export function perfEventOpen(attributes: Uint8Array, cpu: number): number {
  const number = SYSCALL.perfEventOpen[process.arch];
  if (number === undefined) throw new OpError("perf_event_open", "ENOSYS", { detail: process.arch });
  const fd = Number(callBytes(number, attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC));
  if (fd < 0) throw lastError("perf_event_open", `CPU ${cpu}`);
  return adoptDescriptor(fd);
}

/** Maps the first `bytes` of a descriptor, shared, to read and write. Throws OpError. */
export function mapShared(fd: number, bytes: number): Mapping {
  const address = mmap(null, bytes, MMAP.protRead | MMAP.protWrite, MMAP.shared, fd, 0) as number | bigint;
  if (Number(address) === -1) throw lastError("mmap", `${bytes} bytes`);
  return { buffer: koffi.view(BigInt(address), bytes), unmap: () => void munmap(address, bytes) };
}

/** Starts an event. Throws OpError. */
export function enableEvent(fd: number): void {
  if (ioctlNumber(fd, PERF_EVENT_IOC.enable, 0) < 0) throw lastError("ioctl", "PERF_EVENT_IOC_ENABLE");
}

/** Stops an event; it can be started again. Throws OpError. */
export function disableEvent(fd: number): void {
  if (ioctlNumber(fd, PERF_EVENT_IOC.disable, 0) < 0) throw lastError("ioctl", "PERF_EVENT_IOC_DISABLE");
}

/** Lets an event write into the ring of another one. Throws OpError. */
export function setEventOutput(fd: number, to: number): void {
  if (ioctlNumber(fd, PERF_EVENT_IOC.setOutput, to) < 0) throw lastError("ioctl", "PERF_EVENT_IOC_SET_OUTPUT");
}

/** Lets only those hits of a tracepoint through that satisfy `filter`, which names fields of its format. Throws OpError: EINVAL for a filter that the kernel cannot parse. */
export function setEventFilter(fd: number, filter: string): void {
  if (ioctlText(fd, PERF_EVENT_IOC.setFilter, filter) < 0) throw lastError("ioctl", "PERF_EVENT_IOC_SET_FILTER");
}

/** A tracefs that is mounted nowhere, as a descriptor of its root: it goes with the descriptor. Throws OpError. */
export function detachedTracefs(): number {
  const context = Number(callText(SYSCALL.fsopen, "tracefs", FS.openCloexec, 0, 0, 0));
  if (context < 0) throw lastError("fsopen", "tracefs");
  const owned = adoptDescriptor(context);
  try {
    if (Number(callNumbers(SYSCALL.fsconfig, owned, FS.configCmdCreate, 0, 0, 0)) < 0) throw lastError("fsconfig");
    const mount = Number(callNumbers(SYSCALL.fsmount, owned, FS.mountCloexec, 0, 0, 0));
    if (mount < 0) throw lastError("fsmount");
    return adoptDescriptor(mount);
  } finally {
    closeSync(owned);
  }
}
