/** Names of interfaces by their index: RTM_GETLINK, rtnetlink(7). One request each: few sockets are bound to an interface, and a host may have thousands of those. */
import { AttributeCursor } from "../attribute.ts";
import { LITTLE_ENDIAN } from "../byte-order.ts";
import { MessageCursor } from "../message.ts";
import { MessageWriter } from "../message-writer.ts";
import { NETLINK_FAMILY, NLM_FLAG } from "../netlink-enum.ts";
import { IFINFOMSG, IFLA, RTEXT_FILTER, RTM } from "../rtnetlink-enum.ts";
import { request } from "./dump.ts";
import { openNetlinkSocket } from "./netlink-socket.ts";

/**
 * The names of those interfaces that are still there, by index, in the network namespace at `namespacePath`, default the thread's own. Synchronous.
 * Throws OpError for a namespace that cannot be entered, DecodeError for an answer that is none.
 */
export function interfaceNames(indexes: Iterable<number>, namespacePath?: string): Map<number, string> {
  const names = new Map<number, string>();
  const socket = openNetlinkSocket({
    family: NETLINK_FAMILY.route,
    ...(namespacePath === undefined ? {} : { namespacePath }),
  });
  try {
    const cursor = new MessageCursor(socket.block);
    for (const index of indexes) {
      request(socket, encodeRequest(index), (_block, offset, length) => {
        cursor.over(offset, length);
        while (cursor.next()) {
          if (cursor.type !== RTM.newLink) continue;
          const attributes = new AttributeCursor(cursor.bytes, cursor.view);
          attributes.over(cursor.payload + IFINFOMSG.bytes, cursor.end);
          while (attributes.next()) if (attributes.type === IFLA.name) names.set(index, attributes.text());
        }
      });
    }
    return names;
  } finally {
    socket.close();
  }
}

/** `struct ifinfomsg` with the index alone; without statistics, which are most of an answer. */
function encodeRequest(index: number): Uint8Array {
  const writer = new MessageWriter(64);
  writer.begin({ type: RTM.getLink, flags: NLM_FLAG.request });
  const header = new Uint8Array(IFINFOMSG.bytes);
  new DataView(header.buffer).setUint32(IFINFOMSG.index, index, LITTLE_ENDIAN);
  writer.raw(header);
  writer.u32(IFLA.extendedMask, RTEXT_FILTER.skipStatistics);
  writer.end();
  return writer.bytes;
}
