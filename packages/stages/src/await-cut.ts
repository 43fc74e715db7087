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
  /** How old a table gets that waits, milliseconds. Default 1,000. */
  readonly deadlineMs?: number;
}

/** Tables that wait at once. A further one lets the oldest go ahead without its cut. */
const MAX_WAITING = 4;

/**
 * Lets batches and ticks through at once and in their order, and each table behind the batch that answers it: at once when the cut is there already, when
 * nothing will answer (conntrack is off, or the source knows no cuts), at the deadline, and at the last tick. `health.uncut` counts those that went without.
 */
export function awaitCut({ conntrack = true, deadlineMs = 1000 }: AwaitCutOptions = {}): Stage<Input, Input> {
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
        if (this.#waiting.length > MAX_WAITING) yield this.#first(true);
        return;
      case "flows":
        yield* this.#expel(input.timeMs);
        yield input;
        if (this.#conntrack) this.#cutMs = cutOf(input);
        yield* this.#letGo();
        return;
      case "tick":
        yield* this.#expel(input.final ? Number.POSITIVE_INFINITY : input.timeMs);
        yield input;
    }
  }

  /** Those whose cut is there. */
  *#letGo(): Generator<SocketTable, void, undefined> {
    while (this.#waiting.length > 0 && (this.#waiting[0]!.cutMs ?? 0) <= this.#cutMs) yield this.#first(false);
  }

  /** Those that have waited long enough. */
  *#expel(nowMs: number): Generator<SocketTable, void, undefined> {
    while (this.#waiting.length > 0 && nowMs - this.#waiting[0]!.timeMs >= this.#deadlineMs) yield this.#first(true);
  }

  #first(uncut: boolean): SocketTable {
    const table = this.#waiting.shift()!;
    if (uncut) this.#uncut++;
    return { ...table, health: { ...table.health, uncut: this.#uncut } };
  }
}

/** Where nobody reads conntrack, and where a source knows no cuts, there is nothing to wait for. A reader that starts has only not got there yet. */
function cutOf({ cutMs, health }: FlowBatch): number {
  const blind = health.state === "off" && health.reason !== "starting";
  return blind || cutMs === null ? Number.POSITIVE_INFINITY : cutMs;
}
