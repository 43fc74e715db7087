/**
 * Protocols that carry other packets. To conntrack their packets are flows of their own: a VXLAN has a source port for each flow inside it, and none of them is
 * ever answered (F69). Sources: IANA's lists of protocols and ports, RFC 7348, RFC 8926, RFC 2784, RFC 2003, RFC 4213, RFC 4303, 3GPP TS 29.281.
 */
import { PROTOCOL } from "./protocol.ts";

/** By port. 8472 is what Linux takes for VXLAN when it is not told (drivers/net/vxlan). */
const UDP: ReadonlyMap<number, string> = new Map([
  [2152, "gtp-u"],
  [4789, "vxlan"],
  [6081, "geneve"],
  [8472, "vxlan"],
]);

/** By number. */
const OTHERS: ReadonlyMap<number, string> = new Map([
  [4, "ipip"],
  [41, "6in4"],
  [47, "gre"],
  [50, "esp"],
]);

/** The kind of tunnel that a connection to `port` is; undefined for what is none. */
export function tunnelName(protocol: number, port: number): string | undefined {
  if (protocol === PROTOCOL.tcp) return undefined;
  return protocol === PROTOCOL.udp ? UDP.get(port) : OTHERS.get(protocol);
}
