/**
 * A dump of the kernel's table in slices: netlink hands out a part of the dump with each receive, so that whoever dumps can see to other things
 * in between, however large the table is. `dump` of the netlink package does the same in one go. Source: netlink(7), RFC 3549 2.3.2.
 */
import {
  encodeConntrackDump,
  LITTLE_ENDIAN,
  MessageCursor,
  NETLINK_FAMILY,
  NLM_FLAG,
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
  readonly #cursor: MessageCursor;
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
    this.#cursor = new MessageCursor(this.#socket.block);
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
      this.#readControl(offset, length);
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
  #readControl(offset: number, length: number): void {
    const cursor = this.#cursor.over(offset, length);
    while (cursor.nextWhole()) {
      if ((cursor.flags & NLM_FLAG.dumpInterrupted) !== 0) this.#interrupted = true;
      if (cursor.type !== NLMSG_TYPE.done && cursor.type !== NLMSG_TYPE.error) continue;
      this.#done = true;
      if (cursor.end - cursor.payload >= 4) this.#error = -cursor.view.getInt32(cursor.payload, LITTLE_ENDIAN);
      return;
    }
  }
}
