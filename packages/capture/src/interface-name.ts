/** Names of interfaces in a recording: `netns:4026531840/netfilter`. One interface is one netlink family in one network namespace. */
import { NETLINK_FAMILY } from "@conntrail/netlink";

/** The name of the interface for a namespace (inode) and a netlink family. */
export function interfaceName(netns: number, family: number): string {
  return `netns:${netns}/${family === NETLINK_FAMILY.sockDiag ? "sock_diag" : "netfilter"}`;
}

/** The namespace in an interface's name; 0, unknown, when the name is not one of ours. */
export function interfaceNamespace(name: string): number {
  const inode = Number(/^netns:(\d{1,10})\//.exec(name)?.[1] ?? 0);
  return inode <= 0xffffffff ? inode : 0;
}
