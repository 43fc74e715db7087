/**
 * The network namespace of a socket that another process holds: pidfd_open(2), pidfd_getfd(2) (Linux 5.6) and the ioctl SIOCGSKNS (`linux/sockios.h`). For
 * namespaces that neither a process nor a file shows, which only sockets keep.
 */
import { fstatSync, openSync } from "node:fs";
import { C, check, libc } from "./libc.ts";

/** A descriptor of a process, as /proc names it. */
const DESCRIPTOR = /^.*\/(\d+)(?:\/task\/\d+)?\/fd\/(\d+)$/;

/** Opens the namespace of the socket behind `/proc/PID/fd/N`; `undefined` for another path. The descriptor is the caller's. Throws OpError `open`: ESRCH, EBADF, EPERM without CAP_SYS_PTRACE. */
export function openSocketNamespace(path: string): number | undefined {
  return withSocketNamespace(path, (fd) => openSync(`/proc/thread-self/fd/${fd}`, "r"));
}

/** The inode of the namespace of the socket behind `/proc/PID/fd/N`. Throws as `openSocketNamespace`. */
export function socketNamespace(path: string): number | undefined {
  return withSocketNamespace(path, (fd) => fstatSync(fd).ino);
}

/** What libc opened libc closes: Node warns of descriptors that it does not know. */
function withSocketNamespace<T>(path: string, take: (fd: number) => T): T | undefined {
  const [, pid, fd] = DESCRIPTOR.exec(path) ?? [];
  if (pid === undefined) return undefined;
  const open: number[] = [];
  const opened = (result: number): number => {
    open.push(check("open", result));
    return result;
  };
  try {
    const process = opened(libc.syscall(C.SYS_pidfd_open, Number(pid), 0, 0));
    const socket = opened(libc.syscall(C.SYS_pidfd_getfd, process, Number(fd), 0));
    return take(opened(libc.ioctl(socket, C.SIOCGSKNS, 0)));
  } finally {
    for (const each of open) libc.close(each);
  }
}
