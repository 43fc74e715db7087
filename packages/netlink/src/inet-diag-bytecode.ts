/**
 * A question to sock_diag that leaves sockets out by where they are connected to: a program of `struct inet_diag_bc_op` that the kernel runs for each socket. Sources:
 * `linux/inet_diag.h`, `inet_diag_bc_run` in net/ipv4/inet_diag.c: a condition that holds goes on `yes` bytes further, else `no`; who ends behind the last byte is left out.
 */
import { LITTLE_ENDIAN } from "./byte-order.ts";

/** INET_DIAG_REQ_BYTECODE, the attribute of a request. */
const REQUEST_BYTECODE = 1;

/** INET_DIAG_BC_D_COND: the destination is in a network. */
const DESTINATION = 8;

const AF_INET = 2;
const AF_INET6 = 10;
const OPERATION_BYTES = 4;

/** `struct inet_diag_hostcond` before its address: family u8, prefix_len u8, two bytes of padding, port s32; a port of -1 is any. */
const CONDITION_BYTES = 8;

interface Network {
  readonly family: number;
  readonly prefixLength: number;
  readonly address: readonly number[];
}

/** 127.0.0.0/8, which an IPv6 socket has as ::ffff:127.0.0.0/104 and the kernel compares as well; ::1. */
const LOOPBACK: readonly Network[] = [
  { family: AF_INET, prefixLength: 8, address: [127, 0, 0, 0] },
  { family: AF_INET6, prefixLength: 128, address: [...new Array<number>(15).fill(0), 1] },
];

/** The attribute that leaves out what is connected to an address of the loopback; listeners are connected to nobody. */
export function encodeNoLoopback(): Uint8Array {
  const sizes = LOOPBACK.map(({ address }) => OPERATION_BYTES + CONDITION_BYTES + address.length);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const bytes = new Uint8Array(4 + total);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, bytes.length, LITTLE_ENDIAN);
  view.setUint16(2, REQUEST_BYTECODE, LITTLE_ENDIAN);
  let at = 4;
  for (const [i, { family, prefixLength, address }] of LOOPBACK.entries()) {
    const left = bytes.length - at;
    bytes[at] = DESTINATION;
    bytes[at + 1] = left + OPERATION_BYTES;
    view.setUint16(at + 2, sizes[i]!, LITTLE_ENDIAN);
    bytes[at + 4] = family;
    bytes[at + 5] = prefixLength;
    view.setInt32(at + 8, -1, LITTLE_ENDIAN);
    bytes.set(address, at + OPERATION_BYTES + CONDITION_BYTES);
    at += sizes[i]!;
  }
  return bytes;
}
