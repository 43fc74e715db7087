/** Why tracing cannot be had, in words for an operator. Sources: perf_event_open(2), capabilities(7), kernel_lockdown(7), seccomp(2). */
import { readFileSync } from "node:fs";
import type { TraceReason } from "@conntrail/model";
import { isDecodeError, isOpError } from "@conntrail/netlink";

/** What stands in the way. */
export interface Obstacle {
  readonly reason: TraceReason;
  /** One sentence, with what would help. */
  readonly advice: string;
}

const CAP_SYS_ADMIN = 21;
const CAP_PERFMON = 38;

/** The obstacle that an error of opening stands for; `undefined` when it is none of the environment's. */
export function obstacleOf(error: unknown): Obstacle | undefined {
  if (isDecodeError(error)) {
    return {
      reason: "no-tracepoint",
      advice: `the kernel describes sock:inet_sock_set_state in a form that is not known here (${error.message}): please report it`,
    };
  }
  if (!isOpError(error)) return undefined;
  const { op, errno } = error;
  if (op === "fsopen" || op === "fsconfig" || op === "fsmount" || op === "read") return tracefsObstacle(errno);
  if (errno === "EPERM" || errno === "EACCES") return { reason: "not-permitted", advice: refusal() };
  if (errno === "EMFILE" || errno === "ENFILE") {
    return {
      reason: "no-descriptors",
      advice: "no file descriptors are left for perf events, one per processor: raise the limit (ulimit -n)",
    };
  }
  return {
    reason: "not-supported",
    advice: `the kernel has no perf events for tracepoints here (${op}: ${errno}): processes of short connections are known from listeners and scans alone`,
  };
}

/** What a kernel without the tracepoint means. */
export const NO_TRACEPOINT: Obstacle = {
  reason: "no-tracepoint",
  advice:
    "the kernel has no tracepoint sock:inet_sock_set_state, which came with Linux 4.16: processes of short connections are known from listeners and scans alone",
};

/** What a ring that was full means. */
export function lossObstacle(ringBytes: number): Obstacle {
  return {
    reason: "events-lost",
    advice: `the rings of ${ringBytes >> 10} KiB per processor were full: some connections have their process from listeners and scans; a larger traceRing helps`,
  };
}

function tracefsObstacle(errno: string): Obstacle {
  if (errno === "EPERM" || errno === "EACCES") return { reason: "not-permitted", advice: refusal() };
  return {
    reason: "no-tracefs",
    advice: `the kernel's list of tracepoints cannot be read (${errno}): mount tracefs (mount -t tracefs none /sys/kernel/tracing)`,
  };
}

/** Which of the things that can refuse it did. */
function refusal(): string {
  if (/\[confidentiality\]/.test(readOrEmpty("/sys/kernel/security/lockdown"))) {
    return "the kernel is locked down for confidentiality, which refuses perf events to everybody: boot without lockdown=confidentiality";
  }
  const status = readOrEmpty("/proc/thread-self/status");
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  const has = (capability: number): boolean => ((capabilities >> BigInt(capability)) & 1n) === 1n;
  if (!has(CAP_SYS_ADMIN) && !has(CAP_PERFMON)) {
    return "tracing needs root, or CAP_PERFMON (CAP_SYS_ADMIN before Linux 5.8) and a readable tracefs: short connections have their process from listeners and scans alone";
  }
  if (/^Seccomp:\s*2$/m.test(status)) {
    return "a seccomp profile refuses perf_event_open, as Docker's default does: run with --security-opt seccomp=unconfined, or with a profile that allows it";
  }
  return "perf events or tracefs are refused here although the capability is there, as in a user namespace of a container: run in the host's user namespace";
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
