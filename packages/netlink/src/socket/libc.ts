/**
 * The functions and numbers of libc that netlink sockets need, through koffi (decision D-1 in docs/decisions.md).
 * Sources: socket(2), recvmmsg(2), netlink(7), setns(2), pidfd_getfd(2), `asm-generic/socket.h`, `linux/sched.h`.
 */
import { constants as osConstants } from "node:os";
import { getSystemErrorName } from "node:util";
import koffi from "koffi";
import { OpError } from "../errors.ts";

const lib = koffi.load(null);

/** The functions; each returns -1 on failure, see `lastErrno()`. Pointers are `bigint` addresses of koffi memory. */
export const libc: {
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly bind: (fd: number, address: bigint, bytes: number) => number;
  readonly getsockname: (fd: number, address: bigint, bytes: bigint) => number;
  readonly setsockopt: (fd: number, level: number, option: number, value: bigint, bytes: number) => number;
  readonly getsockopt: (fd: number, level: number, option: number, value: bigint, bytes: bigint) => number;
  readonly recvmmsg: (fd: number, headers: bigint, count: number, flags: number, timeout: null) => number;
  readonly send: (fd: number, bytes: bigint, length: number, flags: number) => number;
  readonly poll: (fds: bigint, count: number, timeoutMs: number) => number;
  readonly dup3: (from: number, to: number, flags: number) => number;
  readonly close: (fd: number) => number;
  readonly setns: (fd: number, type: number) => number;
  readonly ioctl: (fd: number, request: number, argument: number) => number;
  /** syscall(2) with three arguments, for those that this libc may not know yet. */
  readonly syscall: (number: number, first: number, second: number, third: number) => number;
} = {
  socket: lib.func("int socket(int, int, int)"),
  bind: lib.func("int bind(int, void *, unsigned int)"),
  getsockname: lib.func("int getsockname(int, void *, void *)"),
  setsockopt: lib.func("int setsockopt(int, int, int, void *, unsigned int)"),
  getsockopt: lib.func("int getsockopt(int, int, int, void *, void *)"),
  recvmmsg: lib.func("int recvmmsg(int, void *, unsigned int, int, void *)"),
  send: lib.func("intptr_t send(int, void *, size_t, int)"),
  poll: lib.func("int poll(void *, unsigned long, int)"),
  dup3: lib.func("int dup3(int, int, int)"),
  close: lib.func("int close(int)"),
  setns: lib.func("int setns(int, int)"),
  ioctl: lib.func("int ioctl(int, unsigned long, long)"),
  syscall: lib.func("long syscall(long, long, long, long)"),
};

/** Numbers of `bits/socket.h`, `asm-generic/socket.h`, `linux/netlink.h`, `linux/sched.h`. */
export const C = {
  AF_NETLINK: 16,
  SOCK_RAW: 3,
  SOCK_NONBLOCK: 0o4000,
  SOCK_CLOEXEC: 0o2000000,
  SOL_SOCKET: 1,
  SO_RCVBUF: 8,
  SO_ATTACH_FILTER: 26,
  SO_RCVBUFFORCE: 33,
  SO_MEMINFO: 55,
  SK_MEMINFO_DROPS: 8,
  SOL_NETLINK: 270,
  NETLINK_ADD_MEMBERSHIP: 1,
  NETLINK_EXT_ACK: 11,
  NETLINK_GET_STRICT_CHK: 12,
  MSG_TRUNC: 0x20,
  MSG_DONTWAIT: 0x40,
  POLLIN: 1,
  O_CLOEXEC: 0o2000000,
  CLONE_NEWNET: 0x40000000,
  SIOCGSKNS: 0x894c, // linux/sockios.h
  SYS_pidfd_open: 434, // asm-generic/unistd.h: the same number on every architecture
  SYS_pidfd_getfd: 438,
} as const;

/** Error numbers of this machine, by C identifier. */
export const ERRNO: Readonly<Record<"EAGAIN" | "EINTR" | "ENOBUFS", number>> = {
  EAGAIN: osConstants.errno.EAGAIN,
  EINTR: osConstants.errno.EINTR,
  ENOBUFS: osConstants.errno.ENOBUFS,
};

/** The number of the last failure on this thread. */
export const lastErrno: () => number = () => koffi.errno();

/** The C identifier of an error number: `EPERM`. */
export function errnoName(errno: number): string {
  return getSystemErrorName(-errno);
}

/** The OpError of the last failure on this thread. */
export function lastError(op: string, detail?: string): OpError {
  return new OpError(op, errnoName(lastErrno()), detail === undefined ? {} : { detail });
}

/** Returns `result`, or throws the OpError of the failure that -1 stands for. */
export function check(op: string, result: number): number {
  if (result < 0) throw lastError(op);
  return result;
}
