/** What arrives in answer to one request: netlink(7), RFC 3549 2.3.2. Data messages are delivered in runs, control messages are obeyed. */
import { align4 } from "../align.ts";
import { LITTLE_ENDIAN } from "../byte-order.ts";
import { MessageCursor } from "../message.ts";
import { NLM_FLAG, NLMSG_HEADER_BYTES, NLMSG_TYPE } from "../netlink-enum.ts";
import { errorMessage } from "./acknowledgement.ts";
import { errnoName } from "./libc.ts";
import type { NetlinkSocket } from "./netlink-socket.ts";

/** Receives the messages of an answer: one or more whole messages in `block`, valid during the call. Control messages are left out. */
export type OnMessages = (block: Uint8Array, offset: number, length: number) => void;

/** How an exchange ended. */
export interface DumpResult {
  readonly messages: number;
  /** The kernel's table changed under the dump (NLM_F_DUMP_INTR): rows may be missing. */
  readonly interrupted: boolean;
  /** Why the kernel stopped it: `EPERM`, `ENOENT`, …; `EMSGSIZE`, `ENOBUFS`: an answer did not fit. What came before was delivered. */
  readonly error: string | undefined;
  /** The kernel's own words about the error (extended acknowledgement), where it gave some. */
  readonly detail: string | undefined;
}

/** The state of one exchange. Lives as long as it. */
export class Answer {
  complete = false;
  /** The kernel dropped a part, perhaps the end: once nothing more is there, nothing more will come. */
  lost = false;
  readonly #socket: NetlinkSocket;
  readonly #sequence: number;
  readonly #cursor: MessageCursor;
  readonly #onMessages: OnMessages;
  readonly #truncated: number;
  #messages = 0;
  #interrupted = false;
  #error: string | undefined;
  #detail: string | undefined;
  #failure: { readonly thrown: unknown } | undefined;

  constructor(socket: NetlinkSocket, sequence: number, onMessages: OnMessages) {
    this.#socket = socket;
    this.#sequence = sequence;
    this.#onMessages = onMessages;
    this.#truncated = socket.truncated;
    this.#cursor = new MessageCursor(socket.block);
  }

  /** Reads one datagram: runs of data messages are delivered, control messages are obeyed, other sequences are passed over. */
  take(offset: number, length: number): void {
    if (this.complete) return;
    const end = offset + length;
    const cursor = this.#cursor.over(offset, length);
    let run = offset;
    while (!this.complete && cursor.nextWhole()) {
      const mine = cursor.sequence === this.#sequence && cursor.portId === this.#socket.portId;
      if (!mine || cursor.type < NLMSG_TYPE.minimum) {
        this.#deliver(run, cursor.offset);
        run = Math.min(cursor.offset + align4(cursor.end - cursor.offset), end);
        if (mine) this.#control();
      } else {
        this.#messages++;
        if ((cursor.flags & NLM_FLAG.dumpInterrupted) !== 0) this.#interrupted = true;
      }
    }
    // A message that was cut goes with the run: whoever decodes it will say so.
    this.#deliver(run, end);
    if (this.#socket.truncated > this.#truncated) this.#error ??= "EMSGSIZE";
  }

  lose(): void {
    this.lost = true;
    this.#error ??= "ENOBUFS";
  }

  result(): DumpResult {
    if (this.#failure !== undefined) throw this.#failure.thrown;
    return {
      messages: this.#messages,
      interrupted: this.#interrupted,
      error: this.#error,
      detail: this.#detail,
    };
  }

  #deliver(from: number, to: number): void {
    if (to <= from || this.#failure !== undefined) return;
    try {
      this.#onMessages(this.#socket.block, from, to - from);
    } catch (thrown) {
      this.#failure = { thrown };
    }
  }

  /** NLMSG_DONE carries a negative error number or zero, NLMSG_ERROR the same and then the request. */
  #control(): void {
    const { type, flags, view, offset, payload, end } = this.#cursor;
    if (type !== NLMSG_TYPE.done && type !== NLMSG_TYPE.error) return;
    this.complete = true;
    if ((flags & NLM_FLAG.dumpInterrupted) !== 0) this.#interrupted = true;
    if (end - offset < NLMSG_HEADER_BYTES + 4) return;
    const code = view.getInt32(payload, LITTLE_ENDIAN);
    if (code >= 0) return;
    this.#error ??= errnoName(-code);
    this.#detail = errorMessage(this.#socket.block, view, offset, end);
  }
}
