/** A program that follows conntrack in a lab namespace, and the questions one can ask it. */
import { fileURLToPath } from "node:url";
import type { IngestOptions } from "@conntrail/ingest";
import type { IngestHealth } from "@conntrail/model";
import type { LabNamespace, Program } from "../lab/index.ts";

/** What `state` answers. */
export interface FollowerState {
  readonly health: IngestHealth;
  readonly live: number;
  readonly ended: Readonly<Record<"upsert" | "destroyed" | "swept" | "evicted" | "released", number>>;
  /** Connections that ended, aggregated rows by their count. */
  readonly closed: number;
  readonly batches: number;
  /** The longest that the host thread was kept waiting, in milliseconds. */
  readonly longestWaitMs: number;
  /** The shortest time between two batches that told of flows. */
  readonly shortestRestMs?: number;
  /** When the first complete batch came, in milliseconds after the start. */
  readonly completeAfterMs?: number;
}

/** Numbers by the inode of the namespace. */
export interface ByNamespace {
  readonly live: Readonly<Record<number, number>>;
  readonly ended: Readonly<Record<number, Readonly<Record<string, number>>>>;
}

/** One flow that ended. */
export interface EndedFlow {
  readonly flow: string;
  readonly change: string;
  readonly state: number;
  readonly flags: number;
  readonly count: number;
  readonly netns: number;
}

const PROGRAM = fileURLToPath(new URL("./programs/follow.mjs", import.meta.url));
const GENERATOR = fileURLToPath(new URL("../../bench/ingest/generate-flows.mjs", import.meta.url));

/** The follower of one namespace. Ends with its lab. */
export class Follower {
  readonly program: Program;

  constructor(program: Program) {
    this.program = program;
  }

  /** Starts an ingest; it watches its own namespace only unless told otherwise. Resolves before anything is known. `light`: it does not look into the batches. */
  static async start(namespace: LabNamespace, options: IngestOptions = {}, light = false): Promise<Follower> {
    const settings = JSON.stringify({ namespaces: "own", ...options });
    const program = namespace.spawn(process.execPath, [PROGRAM, settings, light ? "light" : "full"]);
    await program.json();
    return new Follower(program);
  }

  async state(): Promise<FollowerState> {
    return this.#ask<FollowerState>("state");
  }

  async flows(): Promise<string[]> {
    return (await this.#ask<{ flows: string[] }>("flows")).flows;
  }

  /** How many flows each namespace has, and how many ended in which way. */
  byNamespace(): Promise<ByNamespace> {
    return this.#ask<ByNamespace>("by-namespace");
  }

  async ended(): Promise<EndedFlow[]> {
    return (await this.#ask<{ ended: EndedFlow[] }>("ended")).ended;
  }

  /** Ends it in good order; returns how long that took, in milliseconds. */
  async stop(): Promise<number> {
    return (await this.#ask<{ stopped: number }>("stop")).stopped;
  }

  /** The first state that satisfies; rejects with the last one after `timeoutMs`. */
  async until(satisfies: (state: FollowerState) => boolean, timeoutMs = 20_000): Promise<FollowerState> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const state = await this.state();
      if (state.health !== undefined && satisfies(state)) return state;
      if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${JSON.stringify(state)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Resolves when the first dump is complete. */
  ready(timeoutMs?: number): Promise<FollowerState> {
    return this.until(({ health }) => health.completeSinceMs !== null, timeoutMs);
  }

  #ask<T>(question: string): Promise<T> {
    this.program.write(`${question}\n`);
    return this.program.json<T>();
  }
}

/** What the generator reports at its end. */
export interface Generated {
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
  readonly events: number;
  readonly failed: number;
  readonly seconds: number;
}

/** Starts the generator of events; it waits for `go` when told to. */
export async function generator(
  namespace: LabNamespace,
  options: Readonly<Record<string, number | true>>,
): Promise<{ readonly go: () => void; readonly done: () => Promise<Generated> }> {
  const args = Object.entries(options).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, String(value)],
  );
  const program = namespace.spawn(process.execPath, [GENERATOR, ...args]);
  await program.json(30_000);
  return { go: () => program.write("go\n"), done: () => program.json<Generated>(60_000) };
}

/** The kernel's flows as the follower writes them, those in TIME_WAIT and CLOSE left out, sorted. */
export async function kernelFlows(namespace: LabNamespace, ...args: string[]): Promise<string[]> {
  const lines = await namespace.conntrack(...args);
  return lines
    .filter((line) => !/ (TIME_WAIT|CLOSE) /.test(line))
    .map((line) => {
      const [, protocol, source, destination, sourcePort, destinationPort] =
        /^\S+ +(\d+) .*?src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)/.exec(line)!;
      return `${protocol} ${source}:${sourcePort} ${destination}:${destinationPort} ${stateOf(line)}`;
    })
    .sort();
}

const STATES = [
  "NONE",
  "SYN_SENT",
  "SYN_RECV",
  "ESTABLISHED",
  "FIN_WAIT",
  "CLOSE_WAIT",
  "LAST_ACK",
  "TIME_WAIT",
  "CLOSE",
  "SYN_SENT2",
];

function stateOf(line: string): number {
  const name = /^tcp +6 (?:\d+ )?([A-Z_0-9]+) /.exec(line)?.[1];
  return name === undefined ? 0 : Math.max(0, STATES.indexOf(name));
}
