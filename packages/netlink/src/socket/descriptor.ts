/**
 * File descriptors that die with their worker. Node closes the descriptors that a worker opened through `fs` when it ends, also by
 * `terminate()` (option `trackUnmanagedFds` of Worker, on by default); a descriptor made by libc it does not know. So a
 * socket is moved (dup(2)) onto a descriptor that `fs.openSync` gave out, and closed through `fs`.
 */
import { closeSync, openSync } from "node:fs";
import { C, lastError, libc } from "./libc.ts";

/** Moves `fd` to a descriptor that Node knows, with FD_CLOEXEC, and returns that. Where /dev/null cannot be opened, `fd` itself. */
export function adoptDescriptor(fd: number): number {
  let known: number;
  try {
    known = openSync("/dev/null", "r");
  } catch {
    return fd;
  }
  if (libc.dup3(fd, known, C.O_CLOEXEC) < 0) {
    const error = lastError("dup3");
    closeSync(known);
    libc.close(fd);
    throw error;
  }
  libc.close(fd);
  return known;
}
