/** Netlink sockets: the only part of this package that talks to the kernel. */
export type { DumpResult, OnMessages } from "./answer.ts";
export { adoptDescriptor } from "./descriptor.ts";
export type { DumpOptions } from "./dump.ts";
export { dump, request } from "./dump.ts";
export type { InterfaceAddress } from "./interface-addresses.ts";
export { interfaceAddresses } from "./interface-addresses.ts";
export { interfaceNames } from "./interface-names.ts";
export { lastError } from "./libc.ts";
export type { LocalRoute } from "./local-routes.ts";
export { localRoutes } from "./local-routes.ts";
export { inNamespace } from "./namespace.ts";
export type { NetlinkSocket, NetlinkSocketOptions } from "./netlink-socket.ts";
export { OVERRUN, openNetlinkSocket } from "./netlink-socket.ts";
export { ReadableWait } from "./readable-wait.ts";
export { socketNamespace } from "./socket-namespace.ts";
