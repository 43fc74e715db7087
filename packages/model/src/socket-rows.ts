/** Rows of sockets (socket-row.ts) in one buffer that grows, up to a limit. */
import { SOCKET, SOCKET_WORDS } from "./socket-row.ts";

const FIRST_CAPACITY = 1024;
/** Rows that 2 GiB hold, with room to spare for the offsets: the hard end of any limit. */
const MOST_ROWS = 16_777_216;

/** The rows; `words` is replaced when it grows, so take it anew after each `add`. */
export class SocketRows {
  words: Uint32Array<ArrayBuffer>;
  /** The same buffer as doubles, at half the word index. */
  doubles: Float64Array<ArrayBuffer>;
  /** Rows in use. */
  count = 0;
  /** Rows that were refused because the limit was reached. */
  refused = 0;
  readonly #limit: number;

  constructor(limit: number = MOST_ROWS, capacity: number = FIRST_CAPACITY) {
    this.#limit = Math.min(limit, MOST_ROWS);
    this.words = new Uint32Array(Math.max(1, Math.min(capacity, this.#limit)) * SOCKET_WORDS);
    this.doubles = new Float64Array(this.words.buffer);
  }

  /** Adds a row of zeros, with bytes sent and received unknown. Returns the offset of its first word, -1 when the limit is reached. */
  add(): number {
    if (this.count === this.#limit) {
      this.refused++;
      return -1;
    }
    const offset = this.count++ * SOCKET_WORDS;
    if (offset === this.words.length) this.#grow();
    this.doubles[(offset + SOCKET.bytesSent) >> 1] = -1;
    this.doubles[(offset + SOCKET.bytesReceived) >> 1] = -1;
    return offset;
  }

  #grow(): void {
    const words = new Uint32Array(Math.min(this.words.length * 2, this.#limit * SOCKET_WORDS));
    words.set(this.words);
    this.words = words;
    this.doubles = new Float64Array(words.buffer);
  }
}
