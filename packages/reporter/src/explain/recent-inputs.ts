/**
 * What lately went into the pipeline, for whoever asks why a row says what it says: the batches themselves, held a while longer. Nobody looks into them
 * until somebody asks, so a row that nobody asks about costs nothing.
 */
import type { NameAnswer } from "@conntrail/capture";
import { type FlowBatch, parseAddress, type SocketTable, TRACE_WORDS, type TraceBatch } from "@conntrail/model";
import type { ConnectionJson, HealthJson } from "@conntrail/report";
import type { NameSource } from "@conntrail/stages";
import type { Explanation } from "./explanation.ts";
import { explanationOf } from "./explanation-of.ts";
import { FactCollector } from "./fact-collector.ts";

type Input = FlowBatch | SocketTable | TraceBatch;

/** What an owner of a process weighs beside its row, bytes: two short texts and a dozen numbers. */
const OWNER_BYTES = 300;

interface Kept {
  readonly input: Input;
  readonly bytes: number;
}

/** The inputs. Beyond `mostBytes` the oldest go, but for the very last one; 0 keeps none. */
export class RecentInputs {
  readonly #mostBytes: number;
  readonly #kept: Kept[] = [];
  #first = 0;
  #bytes = 0;
  #sinceMs: number | null = null;
  /** The trace runs since then, or longer. */
  #tracedFromMs: number | undefined;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Takes an input, whose arrays nobody may write to any more. */
  take(input: Input): void {
    if (this.#mostBytes === 0) this.#sinceMs = input.timeMs;
    if (input.kind === "trace") {
      this.#tracedFromMs = input.health.state === "off" ? undefined : (this.#tracedFromMs ?? input.timeMs);
    }
    if (this.#mostBytes === 0 || (input.count === 0 && input.kind !== "sockets")) return;
    const fitted = fit(input);
    const bytes = fitted.rows.byteLength + ("owners" in fitted ? fitted.owners.length * OWNER_BYTES : 0);
    this.#kept.push({ input: fitted, bytes });
    this.#bytes += bytes;
    while (this.#bytes > this.#mostBytes && this.#first < this.#kept.length - 1) this.#forgetOldest();
  }

  /** The explanation of a row. `nowMs`: Unix milliseconds of the inputs; `wallAheadMs`: what the row's times are ahead of them. */
  explain(
    connection: ConnectionJson,
    health: HealthJson,
    names: NameSource,
    clock: { readonly nowMs: number; readonly wallAheadMs: number },
  ): Explanation {
    const seen = new FactCollector(connection, clock.wallAheadMs);
    for (const { input } of this.#kept.slice(this.#first)) {
      if (input.kind === "flows") seen.flows(input);
      else if (input.kind === "sockets") seen.sockets(input);
      else seen.trace(input);
    }
    seen.tracedFromMs = this.#tracedFromMs === undefined ? undefined : this.#tracedFromMs + clock.wallAheadMs;
    seen.names(answersNow(connection, names), clock.nowMs);
    const since = this.#sinceMs === null ? null : new Date(this.#sinceMs + clock.wallAheadMs).toISOString();
    return explanationOf(connection, health, seen, { since, isForeign: false });
  }

  #forgetOldest(): void {
    const { input, bytes } = this.#kept[this.#first]!;
    this.#kept[this.#first++] = undefined!;
    this.#bytes -= bytes;
    this.#sinceMs = input.timeMs;
    if (this.#first < 1024) return;
    this.#kept.splice(0, this.#first);
    this.#first = 0;
  }
}

/** The trace hands over as much room as it had before: what is kept need not be longer than what it holds. */
function fit(input: Input): Input {
  if (input.kind !== "trace" || input.rows.length <= 2 * input.count * TRACE_WORDS) return input;
  return { ...input, rows: input.rows.slice(0, input.count * TRACE_WORDS) };
}

/** What the ends are called, as far as it is known by now. */
function answersNow({ from, to }: ConnectionJson, names: NameSource): NameAnswer[] {
  return [from, to].flatMap((end): NameAnswer[] => {
    const address = parseAddress(end.address)!;
    const known = names.get(address, 0);
    if (known !== undefined) return [{ address, names: known }];
    const inquiry = names.inquiry?.(address, 0);
    return inquiry === undefined ? [] : [{ address, names: [], inquiry }];
  });
}
