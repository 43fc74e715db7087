/**
 * The stage that holds a socket table until the events of its time are in. A table shows the sockets of a moment; the flows of that moment lie in the
 * event sockets until those are read. Behind the batch whose cut has reached the moment, every socket meets its flow; ahead of it, a connection would be
 * taken for one that only sockets show. No clock: what waits too long is found out by the time of what comes in, and nothing looks at a table in between.
 */
import type { FlowBatch, SocketTable, Tick } from "@conntrail/model";
import { concatMap, defer, from } from "rxjs";
import type { Stage } from "./stage.ts";

type Input = FlowBatch | SocketTable | Tick;

/** Options of `awaitCut()`. */
export interface AwaitCutOptions {
  /** False: no flows will come, so nothing is waited for. Default true. */
  readonly conntrack?: boolean;
  /** How long a table waits for a source that says nothing at all, milliseconds. Default 5,000: a machine that is busy beyond its means answers after more than one second. */
  readonly deadlineMs?: number;
}

/** What may wait at once: tables, and sockets in all of them (some 22 MB) unless it is one table alone. */
const MAX_TABLES = 16;
const MAX_SOCKETS = 262_144;

/**
 * Lets batches and ticks through at once and in their order, and each table behind the batch that answers it: at once when the cut is there already, or when
 * nothing will answer (conntrack is off, or the source knows no cuts). A cut may stand still for long, while a namespace is dumped: the table waits, and when more of them wait than there is
 * room for the oldest is left out; its sockets would be rows of their own beside the flows that are still to come. It goes on without its cut when no batch came for
 * the deadline, and at the last tick. `health.uncut` counts those that went without, or were left out.
 */
export function awaitCut({ conntrack = true, deadlineMs = 5000 }: AwaitCutOptions = {}): Stage<Input, Input> {
  return (source) =>
    defer(() => {
      const waitingRoom = new WaitingRoom(conntrack, deadlineMs);
      return source.pipe(concatMap((input) => from(waitingRoom.take(input))));
    });
}

/** The tables that wait, in their order. */
class WaitingRoom {
  readonly #conntrack: boolean;
  readonly #deadlineMs: number;
  readonly #waiting: SocketTable[] = [];
  /** Tables of up to this moment may go. */
  #cutMs: number;
  /** When the source last said something. */
  #heardMs = Number.NEGATIVE_INFINITY;
  #uncut = 0;

  constructor(conntrack: boolean, deadlineMs: number) {
    this.#conntrack = conntrack;
    this.#deadlineMs = deadlineMs;
    this.#cutMs = conntrack ? 0 : Number.POSITIVE_INFINITY;
  }

  /** What goes on because of an input, the input included unless it waits. */
  *take(input: Input): Generator<Input, void, undefined> {
    switch (input.kind) {
      case "sockets":
        this.#waiting.push(input);
        yield* this.#letGo();
        this.#makeRoom();
        return;
      case "flows":
        yield input;
        this.#heardMs = input.timeMs;
        if (this.#conntrack) this.#cutMs = cutOf(input);
        yield* this.#letGo();
        return;
      case "tick":
        if (input.final || input.timeMs - this.#heardMs >= this.#deadlineMs) yield* this.#expel(input);
        yield input;
    }
  }

  /** Those whose cut is there. */
  *#letGo(): Generator<SocketTable, void, undefined> {
    while (this.#waiting.length > 0 && (this.#waiting[0]!.cutMs ?? 0) <= this.#cutMs) yield this.#next();
  }

  /** Those that have waited long enough for a source that is silent. */
  *#expel({ timeMs, final }: Tick): Generator<SocketTable, void, undefined> {
    while (this.#waiting.length > 0 && (final || timeMs - this.#waiting[0]!.timeMs >= this.#deadlineMs)) {
      this.#uncut++;
      yield this.#next();
    }
  }

  #makeRoom(): void {
    let sockets = this.#waiting.reduce((sum, { count }) => sum + count, 0);
    while (this.#waiting.length > MAX_TABLES || (sockets > MAX_SOCKETS && this.#waiting.length > 1)) {
      sockets -= this.#waiting.shift()!.count;
      this.#uncut++;
    }
  }

  #next(): SocketTable {
    const table = this.#waiting.shift()!;
    return { ...table, health: { ...table.health, uncut: this.#uncut } };
  }
}

/** Where nobody reads conntrack, and where a source knows no cuts, there is nothing to wait for. A reader that starts has only not got there yet. */
function cutOf({ cutMs, health }: FlowBatch): number {
  const blind = health.state === "off" && health.reason !== "starting";
  return blind || cutMs === null ? Number.POSITIVE_INFINITY : cutMs;
}
