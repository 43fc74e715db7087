/**
 * A netlink socket: non-blocking, synchronous, one `recvmmsg` for many datagrams. Sources: netlink(7), recvmmsg(2), socket(7),
 * and the kernel's net/netlink/af_netlink.c for what happens on overrun.
 */
import { closeSync } from "node:fs";
import type { BpfInstruction } from "../bpf.ts";
import { OpError } from "../errors.ts";
import { attachFilter } from "./attach-filter.ts";
import { adoptDescriptor } from "./descriptor.ts";
import { C, check, ERRNO, errnoName, lastErrno, lastError, libc } from "./libc.ts";
import { inNamespace } from "./namespace.ts";
import { scratch, stableCopy } from "./native-memory.ts";
import { returnReceiveBlock, sharedReceiveBlock, takeReceiveBlock } from "./receive-block.ts";

/** Options of `openNetlinkSocket`. */
export interface NetlinkSocketOptions {
  /** NETLINK_FAMILY. */
  readonly family: number;
  /** Multicast groups to join, by number. A socket with groups is for receiving, one without for requests and dumps. */
  readonly groups?: readonly number[];
  /** See `NetlinkSocket.setReceiveBuffer`; without it the system's default (net.core.rmem_default). */
  readonly receiveBufferBytes?: number;
  /** A BPF program that runs in the kernel on each datagram, in place before the first group is joined. */
  readonly filter?: readonly BpfInstruction[];
  /** Network namespace in which the socket is made and stays. */
  readonly namespacePath?: string;
  /** Datagrams per `receive()`. Default 128, without groups 8. */
  readonly messagesPerCall?: number;
  /** Room for one datagram, a multiple of 64. Default 4096, without groups 65,536: the kernel fills up to 32 KiB in a dump. */
  readonly slotBytes?: number;
  /**
   * Receive into one block together with the thread's other sockets that say so: datagrams are then valid until the next `receive()` of any
   * of them. For many sockets that are read in turn. Default false.
   */
  readonly shareBlock?: boolean;
  /** Dumps go by the fields of their request (NETLINK_GET_STRICT_CHK, Linux 4.20; older kernels tell everything). Default false. */
  readonly strictCheck?: boolean;
}

/** What `receive()` returns when the kernel dropped messages for want of room (ENOBUFS). */
export const OVERRUN = -1;

/**
 * A netlink socket. All methods are synchronous and none blocks. It hears its groups from the moment it is open until `close()`, or until its
 * worker ends. A method throws OpError when the system refuses, after `close()` EBADF; an error from `receive` ends the subscription. A
 * reader that is too slow loses events, never older ones for newer: see `receive`.
 */
export interface NetlinkSocket {
  readonly fd: number;
  /** The socket's address: `nlmsg_pid` of the answers to it. */
  readonly portId: number;
  /** NETLINK_FAMILY of the socket. */
  readonly family: number;
  /** The groups it joined. */
  readonly groups: readonly number[];
  /**
   * Takes what is there, up to `messagesPerCall` datagrams: their number, 0 = nothing there, OVERRUN = messages were dropped.
   * Datagram `i` lies in `block` at `offsets[i]`, `lengths[i]` bytes long, until the next `receive()`.
   *
   * The kernel tells of an overrun once and ahead of the messages that were queued before it; until the queue is empty it
   * drops everything else. So after OVERRUN: receive until 0, and only then is a dump complete together with the events after it.
   */
  receive(): number;
  readonly block: Uint8Array;
  /** Multiples of 64. */
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  /** Datagrams that did not fit into a slot; their first part was delivered. */
  readonly truncated: number;
  /** Sends `bytes` to the kernel. */
  send(bytes: Uint8Array): void;
  /** The size of the receive buffer as the kernel accounts it (SO_RCVBUF: an event takes some 768–1,024 bytes of it). */
  receiveBufferBytes(): number;
  /** Sets that size and returns what was granted: SO_RCVBUFFORCE, or without CAP_NET_ADMIN SO_RCVBUF, which net.core.rmem_max limits. */
  setReceiveBuffer(bytes: number): number;
  /** Messages that the kernel dropped on this socket since it was opened (sk_drops: the Drops column of /proc/net/netlink); `undefined` before Linux 4.12. */
  drops(): number | undefined;
  /** Closes the socket. May be called twice. */
  close(): void;
}

/** Opens a netlink socket. Throws OpError: EPERM, EMFILE, EPROTONOSUPPORT (the kernel lacks the family), ENOENT (no such namespace) … */
export function openNetlinkSocket(options: NetlinkSocketOptions): NetlinkSocket {
  const { namespacePath } = options;
  return namespacePath === undefined ? open(options) : inNamespace(namespacePath, () => open(options));
}

function open(options: NetlinkSocketOptions): NetlinkSocket {
  const { family, groups = [] } = options;
  const type = C.SOCK_RAW | C.SOCK_NONBLOCK | C.SOCK_CLOEXEC;
  const fd = adoptDescriptor(check("socket", libc.socket(C.AF_NETLINK, type, family)));
  try {
    bindToAnyPort(fd);
    const portId = readPortId(fd);
    setOption(fd, C.SOL_NETLINK, C.NETLINK_EXT_ACK, 1);
    if (options.strictCheck) setOption(fd, C.SOL_NETLINK, C.NETLINK_GET_STRICT_CHK, 1);
    if (options.receiveBufferBytes !== undefined) setReceiveBuffer(fd, options.receiveBufferBytes);
    if (options.filter !== undefined) attachFilter(fd, options.filter);
    for (const group of groups) {
      if (!setOption(fd, C.SOL_NETLINK, C.NETLINK_ADD_MEMBERSHIP, group)) throw lastError("join", `group ${group}`);
    }
    return socketOn(fd, portId, options);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function socketOn(fd: number, portId: number, options: NetlinkSocketOptions): NetlinkSocket {
  const { family, groups = [] } = options;
  const slots = options.messagesPerCall ?? (groups.length > 0 ? 128 : 8);
  const slotBytes = options.slotBytes ?? (groups.length > 0 ? 4096 : 65536);
  const memory = options.shareBlock ? sharedReceiveBlock(slots, slotBytes) : takeReceiveBlock(slots, slotBytes);
  let open = true;
  let truncated = 0;
  const descriptor = (): number => {
    if (!open) throw new OpError("netlink socket", "EBADF", { detail: "closed" });
    return fd;
  };
  return {
    fd,
    portId,
    family,
    groups,
    block: memory.block,
    offsets: memory.offsets,
    lengths: memory.lengths,
    get truncated() {
      return truncated;
    },
    receive() {
      const count = libc.recvmmsg(descriptor(), memory.headers, slots, C.MSG_DONTWAIT, null);
      if (count >= 0) {
        truncated += memory.collect(count);
        return count;
      }
      const errno = lastErrno();
      if (errno === ERRNO.EAGAIN || errno === ERRNO.EINTR) return 0;
      if (errno === ERRNO.ENOBUFS) return OVERRUN;
      throw new OpError("recvmmsg", errnoName(errno));
    },
    send(bytes) {
      const sent = check("send", libc.send(descriptor(), stableCopy(bytes).address, bytes.length, 0));
      if (sent !== bytes.length) throw new OpError("send", "EMSGSIZE", { detail: `${sent} of ${bytes.length} bytes` });
    },
    receiveBufferBytes: () => receiveBufferBytes(descriptor()),
    setReceiveBuffer: (bytes) => setReceiveBuffer(descriptor(), bytes),
    drops: () => drops(descriptor()),
    close() {
      if (!open) return;
      open = false;
      closeSync(fd);
      returnReceiveBlock(memory);
    },
  };
}

/** `struct sockaddr_nl`: family u16, padding u16, port u32, groups u32. Port 0 lets the kernel choose. */
function bindToAnyPort(fd: number): void {
  scratch.u32.fill(0, 0, 3);
  scratch.u16[0] = C.AF_NETLINK;
  check("bind", libc.bind(fd, scratch.address, 12));
}

function readPortId(fd: number): number {
  scratch.u32[4] = 12;
  check("getsockname", libc.getsockname(fd, scratch.address, scratch.address + 16n));
  return scratch.u32[1]!;
}

function setOption(fd: number, level: number, option: number, value: number): boolean {
  scratch.i32[0] = value;
  return libc.setsockopt(fd, level, option, scratch.address, 4) === 0;
}

/** The kernel doubles what it is asked for and reports the double, so half of it is asked. */
function setReceiveBuffer(fd: number, bytes: number): number {
  const half = Math.min(Math.ceil(bytes / 2), 0x3fffffff);
  if (!setOption(fd, C.SOL_SOCKET, C.SO_RCVBUFFORCE, half)) {
    if (!setOption(fd, C.SOL_SOCKET, C.SO_RCVBUF, half)) throw lastError("setsockopt", "SO_RCVBUF");
  }
  return receiveBufferBytes(fd);
}

function receiveBufferBytes(fd: number): number {
  scratch.i32[1] = 4;
  check("getsockopt", libc.getsockopt(fd, C.SOL_SOCKET, C.SO_RCVBUF, scratch.address, scratch.address + 4n));
  return scratch.i32[0]!;
}

/** `SO_MEMINFO` fills an array of u32; unlike /proc/net/netlink it answers from any namespace. */
function drops(fd: number): number | undefined {
  scratch.u32[16] = 64;
  if (libc.getsockopt(fd, C.SOL_SOCKET, C.SO_MEMINFO, scratch.address, scratch.address + 64n) < 0) return undefined;
  return scratch.u32[16]! > C.SK_MEMINFO_DROPS * 4 ? scratch.u32[C.SK_MEMINFO_DROPS] : undefined;
}
