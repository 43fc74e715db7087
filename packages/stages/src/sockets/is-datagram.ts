/** Protocols without a handshake. */
import { PROTOCOL } from "@conntrail/model";

/** True for those in which an unconnected socket both asks and answers. */
export function isDatagram(protocol: number): boolean {
  return protocol === PROTOCOL.udp || protocol === PROTOCOL.udplite;
}
