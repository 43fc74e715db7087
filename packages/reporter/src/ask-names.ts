/**
 * Asks for names as soon as their addresses come in, so that the first report has them already: without it they would be asked for
 * when a report is made, and a single one would have none (F44). What is asked is the resolver's cache, which looks up in the background.
 */
import {
  FLOW,
  FLOW_WORDS,
  type FlowBatch,
  isUnspecified,
  kindProtocol,
  PROTOCOL,
  SOCKET,
  SOCKET_WORDS,
  type SocketTable,
  sameAddress,
} from "@conntrail/model";

/** The part of a name source that is asked. */
export interface AskedSource {
  get(words: Uint32Array, offset: number): readonly string[] | undefined;
}

/** Takes what comes into the pipeline. */
export interface NameAsker {
  /** Asks for the servers of these flows, and then for their openers. */
  flows(batch: FlowBatch): void;
  /** Asks for the far ends of the TCP sockets, and then for the near ones: those of others are told as flows, or not at all. */
  sockets(table: SocketTable): void;
}

/** Addresses asked for in any second: a resolver sends far fewer queries, and a report asks for all of its addresses anyway. */
const MOST_PER_SECOND = 1000;

/** The asker. It keeps nothing but a count; beyond MOST_PER_SECOND it leaves the asking to the next report. */
export function nameAsker(source: AskedSource): NameAsker {
  let second = 0;
  let left = 0;
  const refill = (timeMs: number): void => {
    const now = Math.floor(timeMs / 1000);
    if (now === second) return;
    second = now;
    left = MOST_PER_SECOND;
  };
  const ask = (rows: Uint32Array, count: number, stride: number, place: number, wanted: Wanted = isAny): void => {
    for (let i = 0; i < count && left > 0; i++) {
      const at = i * stride + place;
      if (!wanted(rows, i * stride)) continue;
      // Neighbours are often alike: many connections to one server.
      if (isUnspecified(rows, at) || (i > 0 && sameAddress(rows, at - stride, rows, at))) continue;
      left--;
      source.get(rows, at);
    }
  };
  return {
    flows({ timeMs, rows, count }) {
      refill(timeMs);
      ask(rows, count, FLOW_WORDS, FLOW.replySource);
      ask(rows, count, FLOW_WORDS, FLOW.originalSource);
    },
    sockets({ timeMs, rows, count }) {
      refill(timeMs);
      ask(rows, count, SOCKET_WORDS, SOCKET.remote, isStream);
      ask(rows, count, SOCKET_WORDS, SOCKET.local, isStream);
    },
  };
}

type Wanted = (rows: Uint32Array, base: number) => boolean;

const isAny: Wanted = () => true;
const isStream: Wanted = (rows, base) => kindProtocol(rows[base + SOCKET.kind]!) === PROTOCOL.tcp;
