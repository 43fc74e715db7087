/** What the end-to-end tests read out of the command's output: reports, connections by server port, and a running `watch`. */
import type { ConnectionJson, ReportJson } from "@conntrail/report";
import {
  type ConntrailOptions,
  type ConntrailResult,
  type LabNamespace,
  type Program,
  runConntrail,
  startConntrail,
} from "../lab/index.ts";

/** Only the lab's own namespace: what other tests do meanwhile is not seen. */
export const OWN = ["--namespaces", "own"] as const;

/** A network number for `natLab`: labs of test files that run at the same time do not share addresses. */
export const NETWORK: number = 1 + (process.pid % 250);

/** Longer than conntrail takes to start on a machine that is busy with other tests. */
const START_MS = 25_000;

/**
 * One `conntrail report --format json`, parsed; throws with what the command said when it did not end with code 0. On a machine so busy
 * that conntrail gave up waiting for its own start, and said so, it is run again.
 */
export async function report(namespace: LabNamespace, args: readonly string[] = OWN): Promise<ReportJson> {
  for (let left = RUNS; ; left--) {
    const command = ["report", "--format", "json", "--window", "300ms", "--no-names", ...args];
    const found = parsed(await runConntrail(namespace, command));
    const { conntrack, sockets } = found.health;
    if ((conntrack.reason !== "starting" && sockets.reason !== "starting") || left === 1) return found;
  }
}

const RUNS = 3;

/** The report that a run printed. */
export function parsed({ code, stdout, stderr }: ConntrailResult): ReportJson {
  if (code !== 0 || stderr !== "") throw new Error(`conntrail: exit ${code}: ${stderr}`);
  return JSON.parse(stdout) as ReportJson;
}

/** The connections to a port. `to.port` is the real one, behind destination NAT. */
export function toPort(reports: ReportJson | readonly ReportJson[], port: number): ConnectionJson[] {
  return [reports].flat().flatMap(({ connections }) => connections.filter(({ to }) => to.port === port));
}

/** A running `conntrail watch --format ndjson`. */
export interface Watch extends AsyncDisposable {
  readonly program: Program;
  /** Reports taken so far, in order. */
  readonly reports: readonly ReportJson[];
  /** Takes reports until one gives an answer, which is handed back. Rejects after `timeoutMs`. */
  until<T>(answer: (report: ReportJson) => T | undefined | false, timeoutMs?: number): Promise<T>;
  /** Ends it by a signal and hands back every report it ever printed. Throws unless it exits with code 0. */
  stop(signal?: "SIGINT" | "SIGTERM"): Promise<readonly ReportJson[]>;
}

/** Starts `watch` and waits until conntrack and sockets have both been heard. */
export async function watch(
  namespace: LabNamespace,
  args: readonly string[] = OWN,
  interval = "250ms",
  options: ConntrailOptions = {},
): Promise<Watch> {
  const command = ["watch", "--format", "ndjson", "--interval", interval, ...args];
  const program = startConntrail(namespace, command, options);
  const reports: ReportJson[] = [];
  const running: Watch = {
    program,
    reports,
    async until(answer, timeoutMs = 10_000) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const line = await program.line(undefined, deadline - Date.now()).catch((error: Error) => {
          const last = reports.at(-1);
          const facts = `${reports.length} reports, ${last?.connections.length} connections in the last`;
          throw new Error(`${error.message}; ${facts}; ${JSON.stringify(last?.health)}`);
        });
        const next = JSON.parse(line) as ReportJson;
        reports.push(next);
        const found = answer(next);
        if (found !== undefined && found !== false) return found;
      }
    },
    async stop(signal = "SIGTERM") {
      const { code, signal: ended } = await program.stop(signal);
      if (code !== 0 || program.stderr !== "") {
        throw new Error(`conntrail watch: exit ${code ?? ended}: ${program.stderr}`);
      }
      return program.lines.map((line) => JSON.parse(line) as ReportJson);
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
  await running.until(
    ({ health }) => health.conntrack.reason !== "starting" && health.sockets.reason !== "starting",
    START_MS,
  );
  return running;
}
