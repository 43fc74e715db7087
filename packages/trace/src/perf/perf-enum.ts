/** Numbers of `linux/perf_event.h`, `linux/mount.h` and the system call tables that they are used with. */

/** `perf_event_attr.type`. */
export const PERF_TYPE_TRACEPOINT = 2;

/** Bits of `perf_event_attr.sample_type`: what a record holds, in this order. */
export const PERF_SAMPLE = {
  tid: 0x2, // PERF_SAMPLE_TID
  time: 0x4, // PERF_SAMPLE_TIME
  raw: 0x400, // PERF_SAMPLE_RAW
  cgroup: 0x20_0000, // PERF_SAMPLE_CGROUP, Linux 5.7
} as const;

/** The bit fields of `perf_event_attr` by their place in its 64 bits, on machines with the low bit first. */
export const PERF_FLAG = {
  disabled: 0,
  comm: 9,
  task: 13,
  watermark: 14,
  sampleIdAll: 18,
  commExec: 24,
  useClockid: 25,
  namespaces: 28,
  cgroup: 32, // Linux 5.7
} as const;

/** `enum perf_event_type`: what a record of the ring is. */
export const PERF_RECORD = {
  lost: 2, // PERF_RECORD_LOST
  comm: 3, // PERF_RECORD_COMM
  exit: 4, // PERF_RECORD_EXIT
  throttle: 5, // PERF_RECORD_THROTTLE
  unthrottle: 6, // PERF_RECORD_UNTHROTTLE
  fork: 7, // PERF_RECORD_FORK
  sample: 9, // PERF_RECORD_SAMPLE
  namespaces: 16, // PERF_RECORD_NAMESPACES
  cgroup: 19, // PERF_RECORD_CGROUP
} as const;

/** Bit of a record header's `misc`: the name changed because of execve(2). */
export const PERF_RECORD_MISC_COMM_EXEC = 0x2000;

/** `struct perf_event_header`: type u32, misc u16, size u16. */
export const HEADER_BYTES = 8;

/** ioctl(2) requests on an event: `_IO('$', n)` and `_IOW('$', 6, char *)`. */
export const PERF_EVENT_IOC = {
  enable: 0x2400, // PERF_EVENT_IOC_ENABLE
  disable: 0x2401, // PERF_EVENT_IOC_DISABLE
  setOutput: 0x2405, // PERF_EVENT_IOC_SET_OUTPUT
  setFilter: 0x40082406, // PERF_EVENT_IOC_SET_FILTER
} as const;

/** The fifth argument of perf_event_open(2). */
export const PERF_FLAG_FD_CLOEXEC = 8;

/** `CLOCK_MONOTONIC`, which process.hrtime() reads too. */
export const CLOCK_MONOTONIC = 1;

/** `struct perf_event_mmap_page`: where the ring's head and tail lie, bytes from the start of the first page. */
export const MMAP_PAGE = { dataHead: 1024, dataTail: 1032 } as const;

/** System call numbers by `process.arch`; what stands under `any` is the same everywhere (Linux 5.1 and later). */
export const SYSCALL = {
  perfEventOpen: { x64: 298, arm64: 241, riscv64: 241, loong64: 241, ppc64: 319 } as Readonly<Record<string, number>>,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
} as const;

/** `fsconfig(2)`, `fsmount(2)`: `linux/mount.h`. */
export const FS = { openCloexec: 1, configCmdCreate: 6, mountCloexec: 1 } as const;

/** `sys/mman.h`. */
export const MMAP = { protRead: 1, protWrite: 2, shared: 1 } as const;
