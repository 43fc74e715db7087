/**
 * A dump of the kernel's table in slices: netlink hands out a part of the dump with each receive, so that whoever dumps can see to other things
 * in between, however large the table is. `dump` of the netlink package does the same in one go. Source: netlink(7), RFC 3549 2.3.2.
 */
import {
  align4,
  encodeConntrackDump,
  LITTLE_ENDIAN,
  NETLINK_FAMILY,
  NLM_FLAG,
  NLMSG_HEADER_BYTES,
  NLMSG_OFFSET,
  NLMSG_TYPE,
  viewOf,
} from "@conntrail/netlink";
import { type NetlinkSocket, OVERRUN, openNetlinkSocket } from "@conntrail/netlink/socket";

/** How a dump stands. */
export interface DumpProgress {
  readonly done: boolean;
  /** The kernel's table changed under the dump, or something of it was lost: rows may be missing. */
  readonly interrupted: boolean;
  /** Why the kernel refused, as a positive error number; 0 = it did not. */
  readonly error: number;
}

/** Receives whole messages: a view, valid during the call. `last`: the end of the dump is among them. */
export type OnRows = (block: Uint8Array, offset: number, length: number, last: boolean) => void;

/** Parts of a dump that one receive takes: at most 32 KiB each, some 150 flows. */
const PARTS = 4;
const PART_BYTES = 32_768;

/** A dump never waits for anything: one that gives nothing for this long has lost its end. */
const DEADLINE_MS = 2_000;

/** One dump, from its request to its end. Monotonic milliseconds are arguments. Opens its own socket in the calling thread's namespace; throws OpError. */
export class TableDump {
  /** What was asked. */
  readonly request: Uint8Array;
  readonly #socket: NetlinkSocket;
  readonly #view: DataView;
  #done = false;
  #interrupted = false;
  #error = 0;
  #heardMs: number;

  constructor(nowMs: number) {
    this.#heardMs = nowMs;
    this.#socket = openNetlinkSocket({
      family: NETLINK_FAMILY.netfilter,
      messagesPerCall: PARTS,
      slotBytes: PART_BYTES,
    });
    this.#view = viewOf(this.#socket.block);
    this.request = encodeConntrackDump();
    viewOf(this.request).setUint32(NLMSG_OFFSET.portId, this.#socket.portId, LITTLE_ENDIAN);
    try {
      this.#socket.send(this.request);
    } catch (error) {
      this.#socket.close();
      throw error;
    }
  }

  /** Takes the next parts of the dump. Throws OpError when the socket fails. */
  step(nowMs: number, onRows: OnRows): DumpProgress {
    const socket = this.#socket;
    const { truncated } = socket;
    const count = socket.receive();
    if (count === OVERRUN) this.#interrupted = true;
    if (count > 0) this.#heardMs = nowMs;
    else if (nowMs - this.#heardMs > DEADLINE_MS) this.#done = this.#interrupted = true;
    for (let i = 0; i < count; i++) {
      const offset = socket.offsets[i]!;
      const length = Math.min(socket.lengths[i]!, PART_BYTES);
      this.#readControl(offset, offset + length);
      onRows(socket.block, offset, length, this.#done);
    }
    if (socket.truncated > truncated) this.#interrupted = true;
    return { done: this.#done, interrupted: this.#interrupted, error: this.#error };
  }

  /** Ends the dump wherever it is. May be called twice. */
  close(): void {
    this.#socket.close();
  }

  /** Finds the end of the dump and its marks. NLMSG_DONE and NLMSG_ERROR carry a negative error number or zero. */
  #readControl(start: number, end: number): void {
    for (let p = start; p + NLMSG_HEADER_BYTES <= end; ) {
      const length = this.#view.getUint32(p + NLMSG_OFFSET.length, LITTLE_ENDIAN);
      if (length < NLMSG_HEADER_BYTES || p + length > end) return;
      const type = this.#view.getUint16(p + NLMSG_OFFSET.type, LITTLE_ENDIAN);
      const flags = this.#view.getUint16(p + NLMSG_OFFSET.flags, LITTLE_ENDIAN);
      if ((flags & NLM_FLAG.dumpInterrupted) !== 0) this.#interrupted = true;
      if (type === NLMSG_TYPE.done || type === NLMSG_TYPE.error) {
        this.#done = true;
        if (length >= NLMSG_HEADER_BYTES + 4) this.#error = -this.#view.getInt32(p + NLMSG_HEADER_BYTES, LITTLE_ENDIAN);
        return;
      }
      p += align4(length);
    }
  }
}
