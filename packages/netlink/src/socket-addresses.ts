/**
 * INET_DIAG_LOCALS and INET_DIAG_PEERS: the addresses of an SCTP endpoint or association, an array of `struct sockaddr_storage` (128 bytes) of which the kernel fills
 * in a `struct sockaddr_in` or `sockaddr_in6`. Source: `inet_diag_msg_sctpladdrs_fill` and `inet_diag_msg_sctpaddrs_fill`, net/sctp/diag.c.
 */
import type { AttributeCursor } from "./attribute.ts";
import { LITTLE_ENDIAN } from "./byte-order.ts";

/** `sizeof(struct sockaddr_storage)`. */
const ENTRY_BYTES = 128;
/** By `sa_family`: where the address lies, and how long it is. */
const PLACES: Readonly<Record<number, readonly [offset: number, length: number]>> = {
  2: [4, 4], // AF_INET: sin_addr
  10: [8, 16], // AF_INET6: sin6_addr
};

/** The addresses in the current attribute, which errors call `name`: 4 or 16 bytes each in network order, copies. Throws DecodeError for a length or a family that cannot be. */
export function decodeSocketAddresses(at: AttributeCursor, name: string): Uint8Array[] {
  if (at.length % ENTRY_BYTES !== 0) {
    throw at.error("bad-length", `${name}: expected addresses of ${ENTRY_BYTES} bytes, got ${at.length} in all`);
  }
  const addresses: Uint8Array[] = [];
  for (let entry = at.start; entry < at.start + at.length; entry += ENTRY_BYTES) {
    const family = at.view.getUint16(entry, LITTLE_ENDIAN);
    const place = PLACES[family];
    if (place === undefined) throw at.error("bad-length", `${name}: expected AF_INET or AF_INET6, got ${family}`);
    addresses.push(at.bytes.slice(entry + place[0], entry + place[0] + place[1]));
  }
  return addresses;
}
