/**
 * The addresses of a network namespace: RTM_GETADDR, rtnetlink(7). The bytes are read by the codec of the npm package
 * `netlink`, which knows rtnetlink; the socket is ours, because ending a worker while it waits on one of that package's sockets ends the
 * whole process (decision D-1).
 */
import { DecodeError, OpError } from "../errors.ts";
import { MessageCursor } from "../message.ts";
import { MessageWriter } from "../message-writer.ts";
import { NETLINK_FAMILY, NLM_FLAG } from "../netlink-enum.ts";
import { dump } from "./dump.ts";
import { openNetlinkSocket } from "./netlink-socket.ts";

/** An address of an interface. */
export interface InterfaceAddress {
  /** Index of the interface. */
  readonly index: number;
  /** AF_INET 2 or AF_INET6 10. */
  readonly family: number;
  /** 16 bytes in network order, an IPv4 address as `::ffff:a.b.c.d`; a copy, aligned for a view of words. */
  readonly address: Uint8Array<ArrayBuffer>;
  /** Of an IPv4 address 0–32, of an IPv6 address 0–128. */
  readonly prefixLength: number;
}

/**
 * The addresses of all interfaces in the network namespace at `namespacePath`, default the thread's own. Loads the codec at the first call
 * (some 35 ms); the request itself is synchronous. Rejects with OpError.
 */
export async function interfaceAddresses(namespacePath?: string): Promise<readonly InterfaceAddress[]> {
  const { rt } = await import("netlink");
  const socket = openNetlinkSocket({
    family: NETLINK_FAMILY.route,
    ...(namespacePath === undefined ? {} : { namespacePath }),
  });
  try {
    const cursor = new MessageCursor(socket.block);
    const addresses: InterfaceAddress[] = [];
    const result = dump(socket, encodeRequest(rt.MessageType.GETADDR), (block, offset, length) => {
      cursor.over(offset, length);
      while (cursor.next()) {
        if (cursor.type !== rt.MessageType.NEWADDR) continue;
        const payload = Buffer.from(block.subarray(cursor.payload, cursor.end));
        const address = toAddress(parse(rt.parseAddressMessage, payload, cursor.payload));
        if (address !== undefined) addresses.push(address);
      }
    });
    if (result.error !== undefined) throw new OpError("dump addresses", result.error);
    return addresses;
  } finally {
    socket.close();
  }
}

type AddressMessage = ReturnType<typeof import("netlink").rt.parseAddressMessage>;

function parse(parseAddressMessage: (bytes: Buffer) => AddressMessage, bytes: Buffer, offset: number): AddressMessage {
  try {
    return parseAddressMessage(bytes);
  } catch (error) {
    throw new DecodeError("bad-length", offset, "address", error instanceof Error ? error.message : String(error));
  }
}

/** `IFA_LOCAL` is the interface's own address where it has a peer; else there is only `IFA_ADDRESS`. */
function toAddress({ data, attrs }: AddressMessage): InterfaceAddress | undefined {
  const bytes = attrs.local ?? attrs.address;
  if (bytes === undefined || (bytes.length !== 4 && bytes.length !== 16)) return undefined;
  const address = new Uint8Array(16);
  if (bytes.length === 4) address.fill(0xff, 10, 12);
  address.set(bytes, 16 - bytes.length);
  return { index: data.index ?? 0, family: data.family ?? 0, address, prefixLength: data.prefixlen ?? 0 };
}

/** `struct ifaddrmsg`, all zero: every family, every interface. */
function encodeRequest(type: number): Uint8Array {
  const writer = new MessageWriter(64);
  writer.begin({ type, flags: NLM_FLAG.request | NLM_FLAG.dump });
  writer.raw(new Uint8Array(8));
  writer.end();
  return writer.bytes;
}
