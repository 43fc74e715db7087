/** What it means when a namespace cannot be entered: setns(2), open(2). */
import { isOpError } from "@conntrail/netlink";

const ENTERING = ["open", "setns"];
/** EINVAL: the name is there, but what was mounted on it is not any more. ENXIO and EBADF: the descriptor is another one by now. */
const GONE = ["ENOENT", "ESRCH", "EINVAL", "ENXIO", "EBADF", "ENOTSOCK"];
const FORBIDDEN = ["EPERM", "EACCES"];

/** `gone` or `forbidden` when `error` says so of one namespace; `undefined` for anything that concerns more than that one. */
export function entryFailure(error: unknown): "gone" | "forbidden" | undefined {
  if (!isOpError(error) || !ENTERING.includes(error.op)) return undefined;
  if (GONE.includes(error.errno)) return "gone";
  return FORBIDDEN.includes(error.errno) ? "forbidden" : undefined;
}
