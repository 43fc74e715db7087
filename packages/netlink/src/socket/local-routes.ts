/**
 * What a network namespace takes for its own by its routes, beyond the addresses of its interfaces: routes of the type `local` (AnyIP, TPROXY), by RTM_GETROUTE,
 * rtnetlink(7), ip-route(8). The kernel is asked for that type alone (NETLINK_GET_STRICT_CHK, Linux 4.20): a full table of the Internet stays where it is.
 */
import { AttributeCursor } from "../attribute.ts";
import { MessageCursor } from "../message.ts";
import { MessageWriter } from "../message-writer.ts";
import { NETLINK_FAMILY, NLM_FLAG } from "../netlink-enum.ts";
import { RT_TABLE, RTA, RTM, RTMSG, RTN } from "../rtnetlink-enum.ts";
import { dump } from "./dump.ts";
import { openNetlinkSocket } from "./netlink-socket.ts";

/** A route to the namespace itself. */
export interface LocalRoute {
  /** AF_INET 2 or AF_INET6 10. */
  readonly family: number;
  /** 16 bytes in network order, an IPv4 prefix as `::ffff:a.b.c.d`; a copy, aligned for a view of words. */
  readonly prefix: Uint8Array<ArrayBuffer>;
  /** Of an IPv4 prefix 0–32, of an IPv6 one 0–128. */
  readonly prefixLength: number;
  /** False for a table that only some packets are looked up in, as a rule says (ip-rule(8)); true for `local`, `main` and `default`. */
  readonly forAll: boolean;
}

/** Answers of a namespace with more are cut. */
const MAX_ROUTES = 4096;

/** The local routes of the network namespace at `namespacePath`, default the thread's own. Synchronous. Throws OpError where it cannot be entered, DecodeError. */
export function localRoutes(namespacePath?: string): readonly LocalRoute[] {
  const socket = openNetlinkSocket({
    family: NETLINK_FAMILY.route,
    strictCheck: true,
    ...(namespacePath === undefined ? {} : { namespacePath }),
  });
  try {
    const routes: LocalRoute[] = [];
    const cursor = new MessageCursor(socket.block);
    for (const family of [2, 10]) {
      // A kernel without IPv6 refuses: it has no such routes.
      dump(socket, encodeRequest(family), (_block, offset, length) => {
        cursor.over(offset, length);
        while (cursor.next()) {
          const route = cursor.type === RTM.newRoute ? readRoute(cursor) : undefined;
          if (route !== undefined && routes.length < MAX_ROUTES) routes.push(route);
        }
      });
    }
    return routes;
  } finally {
    socket.close();
  }
}

/** Undefined for a route of another kind: older kernels do not filter. */
function readRoute({ bytes, view, payload, end }: MessageCursor): LocalRoute | undefined {
  if (end - payload < RTMSG.bytes || bytes[payload + RTMSG.type] !== RTN.local) return undefined;
  const family = bytes[payload + RTMSG.family]!;
  const size = family === 2 ? 4 : 16;
  const prefix = new Uint8Array(16);
  if (size === 4) prefix.fill(0xff, 10, 12);
  let table: number = bytes[payload + RTMSG.table]!;
  const attributes = new AttributeCursor(bytes, view).over(payload + RTMSG.bytes, end);
  while (attributes.next()) {
    if (attributes.type === RTA.table) table = attributes.u32("table");
    if (attributes.type !== RTA.destination) continue;
    attributes.expect(size, "destination");
    prefix.set(bytes.subarray(attributes.start, attributes.start + size), 16 - size);
  }
  const forAll = table >= RT_TABLE.default && table <= RT_TABLE.local;
  return { family, prefix, prefixLength: bytes[payload + RTMSG.destinationLength]!, forAll };
}

/** `struct rtmsg`: a family and a type, everything else zero, which is any. */
function encodeRequest(family: number): Uint8Array {
  const writer = new MessageWriter(64);
  writer.begin({ type: RTM.getRoute, flags: NLM_FLAG.request | NLM_FLAG.dump });
  const header = new Uint8Array(RTMSG.bytes);
  header[RTMSG.family] = family;
  header[RTMSG.type] = RTN.local;
  writer.raw(header);
  writer.end();
  return writer.bytes;
}
