/** The ends of a row of flows, sockets or the trace, as texts that can be compared. */
import { formatAddress, isIcmp } from "@conntrail/model";
import { endText } from "./meeting-tuples.ts";

/** Source and destination. */
export type Ends = readonly [string, string];

/** The ends at two places of a row; `ports`: the word that holds both. */
export function ends(words: Uint32Array, source: number, destination: number, ports: number): [string, string] {
  return [
    endText(formatAddress(words, source), ports >>> 16),
    endText(formatAddress(words, destination), ports & 0xffff),
  ];
}

/** Original and reply are not each other's mirror. */
export function isTranslated(protocol: number, original: Ends, reply: Ends): boolean {
  const [first, second] = [shown(protocol, original), shown(protocol, reply)];
  return first[0] !== second[1] || first[1] !== second[0];
}

/** Ends without the "ports" of ICMP, which are an id and types, and never each other's mirror. */
export function shown(protocol: number, [one, other]: Ends): Ends {
  if (!isIcmp(protocol)) return [one, other];
  return [one.slice(0, one.lastIndexOf(":")), other.slice(0, other.lastIndexOf(":"))];
}
