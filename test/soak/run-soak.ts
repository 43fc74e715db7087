/**
 * The soak itself: an agent under mixed traffic, to which one fault after another is done, round by round, while it is sampled; at the end, when all is calm, its last report is held against the
 * kernel's tables of every namespace and against what its changes told.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { FAULTS, type Fault, isHeard, until } from "./faults.ts";
import { disagreements, listingOf } from "./kernel-truth.ts";
import { Measures, measureOf } from "./measures.ts";
import { SoakLab } from "./soak-lab.ts";
import { SoakedAgent } from "./soaked-agent.ts";
import { judge, type Verdict } from "./verdict.ts";

/** How long, and with what. */
export interface SoakSettings {
  readonly ms: number;
  readonly faults: readonly (keyof typeof FAULTS)[];
  /** Ends it early, with what there is. */
  readonly signal: AbortSignal;
  /** Told of what happens, a line at a time. */
  readonly progress: (line: string) => void;
}

/** What came of it. */
export interface SoakResult {
  readonly minutes: number;
  readonly rounds: number;
  /** How often each fault was done. */
  readonly faults: Readonly<Record<string, number>>;
  readonly verdicts: readonly Verdict[];
  /** What went wrong beside slopes; empty when nothing did. */
  readonly failures: readonly string[];
  /** Living connections, entries and sockets that were compared at the end. */
  readonly compared: { readonly rows: number; readonly entries: number; readonly sockets: number };
  readonly told: Readonly<Record<string, unknown>>;
  readonly overruns: number;
  readonly restarts: Readonly<Record<string, number>>;
  /** What the reporter said went wrong, the latest of it: what the faults did, and whatever else. */
  readonly said: readonly string[];
}

const SAMPLE_MS = 1_000;

/** So small that a pause of the agent fills it. */
const RECEIVE_BUFFER = 65_536;

/** For the pictures to become the same after the last fault: the kernel tells the end of no entry that was lost, a dump does. */
const CALM_MS = 120_000;
const SHOWN = 5;

/** Soaks. Rejects when it cannot even begin; all else is in the result. */
export async function runSoak({ ms, faults, signal, progress }: SoakSettings): Promise<SoakResult> {
  // Nothing of the soak outlives it, however long the waiting at its end takes.
  const lifetime = Math.ceil(ms / 1000) + 900;
  await using lab = await SoakLab.open(1 + (process.pid % 250), lifetime);
  await using agent = await SoakedAgent.start(
    lab.agent,
    {
      intervalMs: 1_000,
      reconcileMs: 5_000,
      receiveBuffer: RECEIVE_BUFFER,
      receiveBufferMax: 4 * RECEIVE_BUFFER,
      nameServers: [lab.nameServer],
      containerApi: false,
    },
    lab.appUrl,
  );
  await lab.startTraffic();
  progress(`agent ${agent.program.pid} runs; ${faults.join(", ")} in turn for ${(ms / 60_000).toFixed(1)} minutes`);

  const began = performance.now();
  const run = new Run(agent, lab, began);
  const sampling = run.sample();
  const isStopped = (): boolean => signal.aborted || !agent.program.running;
  while (!isStopped() && performance.now() - began < ms) await run.round(faults, isStopped, progress);
  run.stop();
  await sampling;
  const minutes = (performance.now() - began) / 60_000;
  progress("calm: the last report against the kernel's tables");
  const end = await run.compare();
  return { minutes, ...run.result(), ...end };
}

class Run {
  readonly #agent: SoakedAgent;
  readonly #lab: SoakLab;
  readonly #began: number;
  readonly #measures = new Measures();
  readonly #done: Record<string, number> = {};
  readonly #failures: string[] = [];
  readonly #provoked = new Map<string, number>();
  #round = 0;
  #sampling = true;

  constructor(agent: SoakedAgent, lab: SoakLab, began: number) {
    this.#agent = agent;
    this.#lab = lab;
    this.#began = began;
  }

  /** Samples until `stop()`. */
  async sample(): Promise<void> {
    for (; this.#sampling && this.#agent.program.running; await sleep(SAMPLE_MS)) {
      try {
        this.#measures.take(
          this.#agent.program.pid,
          await this.#agent.sample(),
          performance.now() - this.#began,
          this.#round,
        );
      } catch (error) {
        this.#fail("sampling", error);
        return;
      }
    }
  }

  stop(): void {
    this.#sampling = false;
  }

  /** Does each fault once, unless it is stopped. */
  async round(
    faults: readonly (keyof typeof FAULTS)[],
    isStopped: () => boolean,
    progress: (line: string) => void,
  ): Promise<void> {
    this.#round++;
    const { told } = await this.#agent.state();
    progress(
      `round ${this.#round}: ${told.living} connections live, ${told.closed} ended so far, ${this.#failures.length} failures`,
    );
    for (const name of faults) {
      if (isStopped()) return;
      const fault: Fault = FAULTS[name];
      const began = performance.now();
      try {
        await fault({ lab: this.#lab, agent: this.#agent, round: this.#round, provoked: this.#provoked });
      } catch (error) {
        this.#fail(`${name} of round ${this.#round}`, error);
        progress(this.#failures.at(-1)!);
      }
      this.#done[name] = (this.#done[name] ?? 0) + 1;
      progress(`  ${name}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
    }
  }

  /** When all is calm: what the agent says against the kernel's tables, and against itself. */
  async compare(): Promise<Pick<SoakResult, "compared" | "failures" | "told" | "overruns" | "restarts" | "said">> {
    let found = { compared: { rows: 0, entries: 0, sockets: 0 }, wrong: ["nothing was compared"] as readonly string[] };
    let told = {};
    let restarts: Readonly<Record<string, number>> = {};
    let overruns = 0;
    let said: readonly string[] = [];
    try {
      await this.#lab.calm();
      await until(this.#agent, "sources that are heard", isHeard);
      const deadline = performance.now() + CALM_MS;
      do {
        await sleep(SAMPLE_MS);
        found = await this.#look();
      } while (found.wrong.length > 0 && performance.now() < deadline);
      const state = await this.#agent.state();
      ({ told, restarts, said } = state);
      overruns = state.health?.conntrack.overruns ?? 0;
      for (const fault of state.told.faults) this.#failures.push(`changes: ${fault}`);
      for (const [part, count] of Object.entries(restarts)) {
        const provoked = this.#provoked.get(part) ?? 0;
        if (count !== provoked)
          this.#failures.push(`the ${part} was started anew ${count} times, ${provoked} of them provoked`);
      }
      const { code, stderr } = await this.#agent.close();
      if (code !== 0 || stderr !== "") this.#failures.push(`the agent ended with ${code}: ${stderr}`);
    } catch (error) {
      this.#fail("the end", error);
    }
    this.#failures.push(...found.wrong.slice(0, SHOWN));
    if (found.wrong.length > SHOWN) this.#failures.push(`… and ${found.wrong.length - SHOWN} more`);
    return { compared: found.compared, failures: this.#failures, told, restarts, overruns, said };
  }

  result(): Pick<SoakResult, "rounds" | "faults" | "verdicts"> {
    const verdicts = [...this.#measures.samples].map(([name, samples]) => judge(measureOf(name), samples));
    return { rounds: this.#round, faults: this.#done, verdicts };
  }

  async #look(): Promise<{ compared: SoakResult["compared"]; wrong: readonly string[] }> {
    const { report, differences } = await this.#agent.report();
    const namespaces = this.#lab.nat.namespaces.filter(({ role }) => role !== "agent");
    const listings = await Promise.all(namespaces.map(listingOf));
    const inodes = new Set(namespaces.map(({ inode }) => inode));
    const living = report.connections.filter(({ state }) => state !== "closed" && state !== "failed");
    const rows = living.filter(({ netns }) => netns !== null && inodes.has(netns));
    const count = (of: "entries" | "sockets"): number => listings.reduce((sum, each) => sum + each[of].length, 0);
    const wrong = [...disagreements(rows, listings), ...differences.map((each) => `changes: ${each}`)];
    return { compared: { rows: rows.length, entries: count("entries"), sockets: count("sockets") }, wrong };
  }

  #fail(what: string, error: unknown): void {
    this.#failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
