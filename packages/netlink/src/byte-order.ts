/** The machine's byte order, which netlink headers and most of sock_diag are in (netlink(7)); ctnetlink's payloads are in the network's. */

/** True where the least significant byte comes first. */
export const LITTLE_ENDIAN: boolean = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
