/**
 * Whether connections are tracked here, found out by making one: a datagram from one socket of ours to another on the loopback, and a
 * question to the kernel whether it knows of it. Nothing leaves the host, and the entry is taken away again.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import {
  type ConntrackTuple,
  decodeConntrack,
  encodeConntrackDump,
  encodeConntrackRequest,
  isOpError,
  MessageCursor,
  NETLINK_FAMILY,
} from "@conntrail/netlink";
import { dump, type NetlinkSocket, openNetlinkSocket, request } from "@conntrail/netlink/socket";

/** What came of it. */
export type Tracked = "tracked" | "untracked" | "not-permitted" | "no-loopback" | "no-ctnetlink";

const IPPROTO_UDP = 17;

/** A family: the kind of socket, its number, and the loopback's address as text and as bytes. */
interface Family {
  readonly type: "udp4" | "udp6";
  readonly number: number;
  readonly address: string;
  readonly bytes: Uint8Array;
}

const FAMILIES: Readonly<Record<"ipv4" | "ipv6", Family>> = {
  ipv4: { type: "udp4", number: 2, address: "127.0.0.1", bytes: Uint8Array.of(127, 0, 0, 1) }, // AF_INET
  ipv6: { type: "udp6", number: 10, address: "::1", bytes: new Uint8Array(16).fill(1, 15) }, // AF_INET6
};

/** Makes one and asks, in the network namespace of this process. */
export async function isTracked(name: "ipv4" | "ipv6"): Promise<Tracked> {
  const family = FAMILIES[name];
  const [from, to] = [createSocket(family.type), createSocket(family.type)];
  try {
    for (const socket of [from, to]) {
      socket.bind(0, family.address);
      await once(socket, "listening");
    }
    await send(from, to.address().port, family.address);
    return ask(family, from.address().port, to.address().port);
  } catch (error) {
    if (isOpError(error)) return error.errno === "EPERM" || error.errno === "EACCES" ? "not-permitted" : "no-ctnetlink";
    if ((error as NodeJS.ErrnoException).syscall !== undefined) return "no-loopback";
    throw error;
  } finally {
    from.close();
    to.close();
  }
}

function send(from: Socket, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) =>
    from.send(Uint8Array.of(0), port, address, (error) => (error === null ? resolve() : reject(error))),
  );
}

/** Asks for the entry, and where the kernel has none by that tuple for one in any zone. */
function ask(family: Family, sourcePort: number, destinationPort: number): Tracked {
  const socket = openNetlinkSocket({ family: NETLINK_FAMILY.netfilter });
  const original: ConntrackTuple = {
    source: family.bytes,
    destination: family.bytes,
    proto: { kind: "ports", number: IPPROTO_UDP, sourcePort, destinationPort },
  };
  try {
    const { error, messages } = request(socket, encodeConntrackRequest("get", { family: family.number, original }));
    if (error === undefined && messages > 0) {
      // A trace of our own is nobody's connection.
      request(socket, encodeConntrackRequest("delete", { family: family.number, original }));
      return "tracked";
    }
    if (error === "EPERM" || error === "EACCES") return "not-permitted";
    if (error !== undefined && error !== "ENOENT") return "no-ctnetlink";
    return isInTable(socket, family, sourcePort, destinationPort) ? "tracked" : "untracked";
  } finally {
    socket.close();
  }
}

function isInTable(socket: NetlinkSocket, { number }: Family, source: number, destination: number): boolean {
  let found = false;
  dump(socket, encodeConntrackDump({ family: number, protocol: IPPROTO_UDP }), (block, offset, length) => {
    const cursor = new MessageCursor(block).over(offset, length);
    while (!found && cursor.nextWhole()) {
      const { proto } = decodeConntrack(block, cursor.offset, cursor.end - cursor.offset).original;
      found = proto.kind === "ports" && proto.sourcePort === source && proto.destinationPort === destination;
    }
  });
  return found;
}
