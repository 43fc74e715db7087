// The environment says no while the worker sets itself up.
import { runWorker } from "@conntrail/thread";

runWorker(async () => {
  const cause = Object.assign(new Error("socket: operation not permitted"), { code: "EPERM", syscall: "socket" });
  const error = new Error("open conntrack: EPERM", { cause });
  throw Object.assign(error, { name: "OpError", op: "open conntrack", errno: "EPERM" });
});
