/** Entering a network namespace for the length of one synchronous action: setns(2), network_namespaces(7). */
import { closeSync, openSync } from "node:fs";
import { OpError } from "../errors.ts";
import { C, lastError, libc } from "./libc.ts";
import { openSocketNamespace } from "./socket-namespace.ts";

/** The calling thread's own network namespace. */
const HOME = "/proc/thread-self/ns/net";

/**
 * Runs `action` inside the network namespace at `path` (`/proc/PID/ns/net`, `/run/netns/NAME`, or that of the socket behind `/proc/PID/fd/N`) and returns its result. A socket made in
 * it stays in that namespace for its life. The calling thread is back in its own namespace when this returns or throws.
 *
 * `action` must be synchronous: work left for later would run outside, and a thread started meanwhile would inherit
 * the namespace. A promise is refused with TypeError. Throws OpError when the namespace cannot be opened or entered (EPERM
 * without CAP_SYS_ADMIN), and OpError `leave namespace` when the way back fails: the thread is then in the wrong namespace and
 * must end.
 */
export function inNamespace<T>(path: string, action: () => T): T {
  if (Object.prototype.toString.call(action) === "[object AsyncFunction]") {
    throw new TypeError("inNamespace takes a synchronous action, not an async function");
  }
  const home = open(HOME);
  try {
    enter(path);
    let result: T;
    try {
      result = action();
    } catch (error) {
      leave(home, error);
      throw error;
    }
    leave(home);
    if (isThenable(result)) {
      // Whoever rejects it later must not bring the process down besides.
      result.then(undefined, () => {});
      throw new TypeError("inNamespace takes a synchronous action, not one that returns a promise");
    }
    return result;
  } finally {
    closeSync(home);
  }
}

function enter(path: string): void {
  const target = open(path);
  try {
    if (libc.setns(target, C.CLONE_NEWNET) < 0) throw lastError("setns", path);
  } finally {
    closeSync(target);
  }
}

function leave(home: number, cause?: unknown): void {
  if (libc.setns(home, C.CLONE_NEWNET) === 0) return;
  const { errno } = lastError("setns");
  throw new OpError("leave namespace", errno, { detail: "this thread is in the wrong network namespace", cause });
}

function open(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code ?? "EIO";
    // A socket cannot be opened (open(2)), but it is in a namespace.
    const namespace = errno === "ENXIO" ? openSocketNamespace(path) : undefined;
    if (namespace !== undefined) return namespace;
    throw new OpError("open", errno, { detail: path, cause: error });
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
