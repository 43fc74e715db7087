/**
 * The faults of the soak. Each is done to the running agent, is waited for until it shows, taken back, and waited for until the agent is over it: one that has no effect, or that is not got over, fails the soak.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { loopbackLab } from "../lab/index.ts";
import type { SoakLab } from "./soak-lab.ts";
import type { AgentState, Failure, SoakedAgent, Victim } from "./soaked-agent.ts";

/** What a fault is done to. */
interface Soaked {
  readonly lab: SoakLab;
  readonly agent: SoakedAgent;
  /** The round, from 1. */
  readonly round: number;
  /** Restarts that faults have caused so far, by part. */
  readonly provoked: Map<string, number>;
}

/** A fault: rejects when it has no effect, or is not got over. */
export type Fault = (soaked: Soaked) => Promise<void>;

/** For everything that is waited for: on an idle machine a fault shows in a second or two, and a thread that hangs in twelve. */
const PATIENCE_MS = 90_000;

/** The agent stands still meanwhile, as a machine does that is suspended. */
const PAUSE_MS = 2_000;

/** Which thread fails in a round, and how. A scan that hangs is ended after 30 s, all others sooner; one that exits between two scans is no failure: the pool starts the next. */
const FAILURES: readonly (readonly [Victim, Failure])[] = [
  ["ingest", "throw"],
  ["conntrail-pipeline", "throw"],
  ["ingest", "exit"],
  ["scan", "throw"],
  ["ingest", "spin"],
  ["conntrail-pipeline", "exit"],
  ["ingest", "throw"],
  ["scan", "throw"],
  ["conntrail-pipeline", "spin"],
  ["scan", "spin"],
];

const CALL = fileURLToPath(new URL("../trace/programs/call.pl", import.meta.url));
const PROCESSES = 100;

/** All of them, in the order of a round. */
export const FAULTS: Readonly<Record<"overrun" | "worker" | "guest" | "dns" | "sink", Fault>> = {
  /** While the agent stands still its small receive buffers run over. */
  async overrun({ agent }) {
    const before = (await agent.state()).health?.conntrack.overruns ?? 0;
    agent.program.signal("SIGSTOP");
    await sleep(PAUSE_MS);
    agent.program.signal("SIGCONT");
    await until(agent, "an overrun", ({ health }) => (health?.conntrack.overruns ?? 0) > before);
    await until(agent, "conntrack to be whole again", isHeard);
  },

  /** A thread fails. */
  async worker({ agent, round, provoked }) {
    const [victim, how] = FAILURES[(round - 1) % FAILURES.length]!;
    const part = victim === "conntrail-pipeline" ? "pipeline" : victim;
    const restarts = 1 + (provoked.get(part) ?? 0);
    provoked.set(part, restarts);
    await agent.fail(victim, how);
    const shows = `a restart of the ${part} (${how})`;
    await until(agent, shows, (state) => (state.restarts[part] ?? 0) >= restarts);
    const { reports } = (await agent.state()).told;
    await until(agent, `reports after ${shows}`, (state) => state.told.reports > reports && isHeard(state));
  },

  /** A namespace comes with a hundred processes that connect once each and end, at an address that nobody had, and goes. */
  async guest({ lab, round, agent }) {
    await using guest = await loopbackLab();
    const address = `10.77.${round >> 8}.${round & 255}`;
    await guest.host.exec("ip", ["address", "add", `${address}/32`, "dev", "lo"]);
    const server = await guest.host.start("tcp-server", { host: "0.0.0.0", port: lab.nat.real[0]!.port });
    await guest.host.start("tcp-client", { host: address, port: server.ready.port!, connections: 5, hold: true });
    await guest.host.exec("perl", [
      CALL,
      address,
      String(server.ready.port),
      String(PROCESSES),
      "0",
      String(PROCESSES),
    ]);
    await until(agent, "changes of a namespace that came", ({ told }) => told.guests.includes(address));
    await agent.poke();
  },

  /** The name server falls silent, then nobody listens at its port; names that nobody has are asked for all the same. */
  async dns({ lab, agent, round, provoked }) {
    const failures = async (): Promise<number> => (await agent.state()).nameFailures;
    const before = await failures();
    await lab.names(round % 2 === 0 ? "silence" : "gone");
    await FAULTS.guest({ lab, agent, round: round + 0x8000, provoked });
    await until(agent, "a name that is not found", ({ nameFailures }) => nameFailures > before);
    await lab.names("answer");
  },

  /** The app that reports go to refuses them, or is gone; and is there again. */
  async sink({ lab, agent, round }) {
    const count = (state: AgentState, outcome: string): number => {
      const [, found] = Object.entries(state.deliveries).find(([labels]) => labels.endsWith(outcome)) ?? [];
      return found ?? 0;
    };
    const failed = count(await agent.state(), "failed");
    await lab.app(round % 2 === 0 ? "refuses" : "gone");
    await until(agent, "a delivery that fails", (state) => count(state, "failed") > failed);
    const delivered = count(await agent.state(), "delivered");
    await lab.app("works");
    await until(agent, "deliveries again", (state) => count(state, "delivered") > delivered);
  },
};

/** Whether both sources are heard from. */
export function isHeard({ health }: AgentState): boolean {
  if (health === undefined) return false;
  const isBroken = (reason: string | null): boolean =>
    reason === "starting" || reason === "failed" || reason === "stale";
  return !isBroken(health.conntrack.reason) && !isBroken(health.sockets.reason);
}

/** Waits until the agent's state is as wanted. Rejects with what was waited for, and how it stands instead. */
export async function until(agent: SoakedAgent, what: string, holds: (state: AgentState) => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const state = await agent.state();
    if (holds(state)) return;
    if (performance.now() > deadline)
      throw new Error(`no ${what} within ${PATIENCE_MS / 1000} s: ${JSON.stringify(state)}`);
    await sleep(200);
  }
}
