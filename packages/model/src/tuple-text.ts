/** A connection's ends in words that fit its protocol: ICMP has an id and a type instead of ports, GRE has the call ids of PPTP, others have nothing. */
import { hasPorts, PROTOCOL, protocolNumber } from "./protocol.ts";

/** The types of ICMP and of ICMPv6 that conntrack follows and people know. */
const ICMP_TYPES: Readonly<Record<number, string>> = {
  0: "echo reply",
  8: "echo request",
  13: "timestamp request",
  14: "timestamp reply",
  128: "echo request",
  129: "echo reply",
};

/** An end: `10.0.0.9:80`, `[fd00::1]:80`, and `10.0.0.9` alone for a protocol without ports. */
export function placeText(
  protocol: string,
  { address, port }: { readonly address: string; readonly port: number },
): string {
  if (!hasPorts(protocolNumber(protocol) ?? 0)) return address;
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}

/** What stands in the place of the ports of both ends, with a comma before it: `, echo request, id 77`. Empty where the ends say all. */
export function tupleDetail(protocol: string, fromPort: number, toPort: number): string {
  const number = protocolNumber(protocol) ?? 0;
  if (number === PROTOCOL.icmp || number === PROTOCOL.icmpv6) {
    return `, ${ICMP_TYPES[toPort >>> 8] ?? `type ${toPort >>> 8}, code ${toPort & 0xff}`}, id ${fromPort}`;
  }
  if (protocol !== "gre" || (fromPort === 0 && toPort === 0)) return "";
  // A packet carries the id of its own way; that of the other way conntrack knows from its PPTP helper alone.
  if (fromPort !== 0 && toPort !== 0) return `, PPTP call ids ${fromPort} and ${toPort}`;
  return `, PPTP call id ${fromPort || toPort} (none known for the way back)`;
}
