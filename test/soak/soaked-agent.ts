/** The agent that is soaked, as who soaks it has it: a program in a namespace that answers questions. */
import { fileURLToPath } from "node:url";
import type { HealthJson, ReportJson } from "@conntrail/report";
import type { ReporterOptions } from "@conntrail/reporter";
import type { LabNamespace, Program } from "../lab/index.ts";
import type { Inside } from "./measures.ts";

/** How the agent stands. */
export interface AgentState {
  readonly state: string;
  readonly health: HealthJson | undefined;
  /** By part. */
  readonly restarts: Readonly<Record<string, number>>;
  /** By sink and outcome. */
  readonly deliveries: Readonly<Record<string, number>>;
  readonly nameFailures: number;
  /** What the reporter said went wrong, the latest of it. */
  readonly said: readonly string[];
  readonly told: Readonly<
    Record<"reports" | "rows" | "opened" | "changed" | "closed" | "gone" | "snapshots" | "living", number>
  > & {
    readonly faults: readonly string[];
    /** Addresses of guests, the latest of them. */
    readonly guests: readonly string[];
  };
}

/** Threads of the agent that can be made to fail, and how. */
export type Victim = "conntrail-pipeline" | "ingest" | "scan";
export type Failure = "throw" | "exit" | "spin";

const FILE = (name: string): string => fileURLToPath(new URL(`./programs/${name}`, import.meta.url));

/** Longer than a busy machine takes to start it, or to answer. */
const START_MS = 60_000;
const ANSWER_MS = 60_000;

/** A running agent. */
export class SoakedAgent implements AsyncDisposable {
  readonly program: Program;
  #next = 1;
  readonly #waiting = new Map<number, (answer: object) => void>();

  private constructor(program: Program) {
    this.program = program;
  }

  /** Starts it; resolves when its sources have been heard. `app` is where its Scope sink delivers to. */
  static async start(where: LabNamespace, options: ReporterOptions, app: string): Promise<SoakedAgent> {
    const settings = JSON.stringify({ options, app });
    const program = where.spawn(process.execPath, [
      "--import",
      FILE("faulty-threads.mjs"),
      FILE("agent.mjs"),
      settings,
    ]);
    await program.json(START_MS);
    const agent = new SoakedAgent(program);
    void agent.#read();
    return agent;
  }

  sample(): Promise<Inside> {
    return this.#ask("sample");
  }

  state(): Promise<AgentState> {
    return this.#ask("state");
  }

  report(): Promise<{ readonly report: ReportJson; readonly differences: readonly string[] }> {
    return this.#ask("report");
  }

  poke(): Promise<{ readonly living: number; readonly explained: boolean }> {
    return this.#ask("poke");
  }

  /** Lets one of its threads fail. */
  fail(name: Victim, how: Failure): Promise<object> {
    return this.#ask("fail", { name, how });
  }

  /** Closes it; gives its exit code and what it wrote to stderr. */
  async close(): Promise<{ readonly code: number | null; readonly stderr: string }> {
    this.program.endInput();
    const { code } = await this.program.exited;
    return { code, stderr: this.program.stderr };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.program[Symbol.asyncDispose]();
  }

  async #read(): Promise<void> {
    for (;;) {
      const answer = await this.program.json<{ id: number }>(2 ** 31 - 1).catch(() => undefined);
      if (answer === undefined) break;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    }
    for (const settle of this.#waiting.values()) settle({ error: `the agent ended: ${this.program.stderr}` });
  }

  async #ask<T>(ask: string, rest: object = {}): Promise<T> {
    const id = this.#next++;
    const answer = new Promise<object>((resolve) => this.#waiting.set(id, resolve));
    this.program.write(`${JSON.stringify({ id, ask, ...rest })}\n`);
    const late = { error: `no answer to "${ask}" within ${ANSWER_MS} ms` };
    let timer: NodeJS.Timeout | undefined;
    const settled = await Promise.race([
      answer,
      new Promise<object>((resolve) => {
        timer = setTimeout(() => resolve(late), ANSWER_MS);
      }),
    ]);
    clearTimeout(timer);
    if (!this.program.running) throw new Error(`the agent ended: ${this.program.stderr}`);
    if ("error" in settled) throw new Error(String(settled.error));
    return settled as T;
  }
}
