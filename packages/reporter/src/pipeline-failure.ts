/** The error of a pipeline that cannot be started, or not again: what went wrong first, and what would help. */
import { isWorkerError } from "@conntrail/thread";

/** What Node's own codes mean here (`errors`, `permissions` in Node's manual). */
const ADVICE: Readonly<Record<string, string>> = {
  ERR_ACCESS_DENIED:
    "under Node's permission model conntrail needs --allow-worker, --allow-addons and --allow-fs-read=*",
  ERR_DLOPEN_DISABLED: "conntrail reads netlink through a native addon: run node with --allow-addons",
  ERR_WORKER_OUT_OF_MEMORY: "the pipeline's thread ran out of memory: lower maxFlows",
};

/** An Error whose message is that of the first cause, with advice where there is some; `cause` is `error`. */
export function pipelineFailure(error: unknown): Error {
  const first = firstCause(error);
  const reason = first instanceof Error ? first.message : String(first);
  const code = first instanceof Error && "code" in first ? String(first.code) : "";
  const advice = Object.hasOwn(ADVICE, code) ? `; ${ADVICE[code]}` : "";
  const often = error instanceof Error && /^failed \d+ times/.test(error.message) ? ` (${error.message})` : "";
  return new Error(`the pipeline failed: ${reason}${often}${advice}`, { cause: error });
}

/** The first worker never became ready: it would not the next time either. */
export function cannotStart(error: unknown): boolean {
  return isWorkerError(error) && error.beforeReady;
}

function firstCause(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? firstCause(error.cause) : error;
}
