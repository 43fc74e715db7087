/** Commands that look at where a row is from. */
import type { ConnectionJson } from "@conntrail/report";

/** The command, in the row's network namespace where that has a name that `ip netns` takes. */
export function inNamespace({ netnsName }: ConnectionJson, command: string): string {
  return netnsName !== undefined && /^[\w.-]+$/.test(netnsName) ? `ip netns exec ${netnsName} ${command}` : command;
}
