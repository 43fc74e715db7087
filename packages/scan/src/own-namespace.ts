/** The thread's own network namespace, which a scan begins with. */
import { type FoundNamespace, namespaceName, readNetNamespace } from "@conntrail/procfs";
import { orForbidden } from "./or-forbidden.ts";

/** It needs no entering. */
export function ownNamespace(root: string): FoundNamespace {
  const netns = orForbidden(() => readNetNamespace(root, "self")) ?? 0;
  const name = orForbidden(() => namespaceName(root, netns));
  return { netns, path: undefined, process: "self", name };
}
