/**
 * Requests with answers: whole dumps and acknowledged requests, synchronous. The kernel puts the answer into the socket's queue while
 * it handles `send()`, and the next part of a dump while it handles each `recv()`; nothing is waited for but what a kernel
 * module loading itself may cost. Source: netlink(7), RFC 3549 2.3.2.
 */
import { LITTLE_ENDIAN } from "../byte-order.ts";
import { OpError } from "../errors.ts";
import { NLM_FLAG, NLMSG_OFFSET } from "../netlink-enum.ts";
import { Answer, type DumpResult, type OnMessages } from "./answer.ts";
import { C, libc } from "./libc.ts";
import { scratch } from "./native-memory.ts";
import { type NetlinkSocket, OVERRUN } from "./netlink-socket.ts";

/** Options of `dump` and `request`. */
export interface DumpOptions {
  /** Milliseconds after which the exchange is given up with OpError ETIMEDOUT. Default 30,000. */
  readonly deadlineMs?: number;
  /** A monotonic clock in milliseconds. */
  readonly now?: () => number;
}

const DEFAULTS = { deadlineMs: 30_000, now: () => performance.now() } as const;

/**
 * One whole dump. `message` is a request with its header; length, sequence, port and the flags NLM_F_REQUEST | NLM_F_DUMP are filled in on a
 * copy. Needs a socket without groups. What the kernel refuses is in the result; throws OpError for what the socket
 * refuses, and ETIMEDOUT (close the socket then). An error thrown by `onMessages` ends the deliveries and is thrown when the dump is over.
 */
export function dump(
  socket: NetlinkSocket,
  message: Uint8Array,
  onMessages: OnMessages,
  options: DumpOptions = {},
): DumpResult {
  return exchange(socket, message, NLM_FLAG.request | NLM_FLAG.dump, onMessages, options);
}

/** One request and its acknowledgement (flags NLM_F_REQUEST | NLM_F_ACK are filled in); otherwise like `dump`. */
export function request(
  socket: NetlinkSocket,
  message: Uint8Array,
  onMessages: OnMessages = () => {},
  options: DumpOptions = {},
): DumpResult {
  return exchange(socket, message, NLM_FLAG.request | NLM_FLAG.ack, onMessages, options);
}

let lastSequence = 0;

function exchange(
  socket: NetlinkSocket,
  message: Uint8Array,
  flags: number,
  onMessages: OnMessages,
  options: DumpOptions,
): DumpResult {
  if (socket.groups.length > 0) throw new TypeError("a socket with multicast groups cannot dump: open another one");
  const { deadlineMs, now } = { ...DEFAULTS, ...options };
  const deadline = now() + deadlineMs;
  lastSequence = (lastSequence + 1) >>> 0;
  const answer = new Answer(socket, lastSequence, onMessages);
  socket.send(stamp(message, flags, lastSequence, socket.portId));
  while (!answer.complete) {
    const count = socket.receive();
    if (count === OVERRUN) answer.lose();
    for (let i = 0; i < count; i++) answer.take(socket.offsets[i]!, socket.lengths[i]!);
    const remaining = deadline - now();
    if (answer.complete) break;
    if (remaining <= 0) throw new OpError("dump", "ETIMEDOUT", { detail: `no end within ${deadlineMs} ms` });
    if (count === 0 && answer.lost) break;
    if (count === 0) waitReadable(socket.fd, remaining);
  }
  return answer.result();
}

/** A copy of a request with header fields filled in. */
function stamp(message: Uint8Array, flags: number, sequence: number, portId: number): Uint8Array {
  const copy = message.slice();
  const view = new DataView(copy.buffer);
  view.setUint32(NLMSG_OFFSET.length, copy.length, LITTLE_ENDIAN);
  view.setUint16(NLMSG_OFFSET.flags, view.getUint16(NLMSG_OFFSET.flags, LITTLE_ENDIAN) | flags, LITTLE_ENDIAN);
  view.setUint32(NLMSG_OFFSET.sequence, sequence, LITTLE_ENDIAN);
  view.setUint32(NLMSG_OFFSET.portId, portId, LITTLE_ENDIAN);
  return copy;
}

/** `struct pollfd`: fd i32, events u16, revents u16. */
function waitReadable(fd: number, ms: number): void {
  scratch.i32[0] = fd;
  scratch.u16[2] = C.POLLIN;
  scratch.u16[3] = 0;
  libc.poll(scratch.address, 1, Math.min(Math.ceil(ms), 1000));
}
