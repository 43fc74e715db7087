/**
 * tracefs, where the kernel describes its tracepoints: where it is mounted, else a mount of our own that is attached nowhere and goes
 * with its descriptor. Sources: Documentation/trace/ftrace.rst, fsopen(2), proc_pid_mounts(5).
 */
import { closeSync, readFileSync, statSync } from "node:fs";
import { isOpError, OpError } from "@conntrail/netlink";
import { readMounts } from "@conntrail/procfs";
import { detachedTracefs } from "../perf/kernel.ts";
import { type EventFormat, parseEventFormat } from "./event-format.ts";

/** An open tracefs. */
export interface Tracefs {
  /** The folder that has `events`. */
  readonly root: string;
  readonly close: () => void;
}

/** Finds or makes a tracefs. Throws OpError: EPERM, EACCES when that is not permitted; ENODEV, ENOSYS where the kernel has none. */
export function openTracefs(procRoot: string): Tracefs {
  for (const root of mountedRoots(procRoot)) if (isTracefs(root)) return { root, close: () => {} };
  const fd = detachedTracefs();
  return { root: `/proc/self/fd/${fd}`, close: () => closeSync(fd) };
}

/** Reads the format of an event such as `sock/inet_sock_set_state`; `undefined` when the kernel has no such event. Throws OpError, DecodeError. */
export function readEventFormat(tracefs: Tracefs, event: string): EventFormat | undefined {
  const path = `${tracefs.root}/events/${event}/format`;
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code ?? "EIO";
    if (errno === "ENOENT") return undefined;
    throw isOpError(error) ? error : new OpError("read", errno, { detail: path, cause: error });
  }
  return parseEventFormat(text);
}

function mountedRoots(procRoot: string): string[] {
  const mounts = readMounts(procRoot) ?? [];
  const tracefs = mounts.filter(({ type }) => type === "tracefs").map(({ target }) => target);
  const debugfs = mounts.filter(({ type }) => type === "debugfs").map(({ target }) => `${target}/tracing`);
  return [...tracefs, ...debugfs];
}

/** Under debugfs it is mounted when somebody looks. */
function isTracefs(root: string): boolean {
  try {
    return statSync(`${root}/events`).isDirectory();
  } catch {
    return false; // another mount, or our own, may do
  }
}
