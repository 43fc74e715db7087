/**
 * T4: the owners of 50,000 sockets, held by 20 processes in a namespace of their own. Ours is a table of all sockets of all namespaces with their
 * processes; beside it runs `ss -tnpH`, which does the same for that one namespace. First from nothing, then with 1 % of the sockets exchanged
 * every second. Sample by sample, one after the other, so that both meet the same machine; and in CPU time beside wall time, because on a busy machine
 * the second measures the neighbours.
 */
import { fileURLToPath } from "node:url";
import { Scanner } from "@conntrail/scan";
import { runCommand } from "@conntrail/test/lab/command";
import { createLab, type Lab } from "@conntrail/test/lab/lab";
import type { BenchCase, Figure, MeasureContext } from "../case.ts";

const SOCKETS = 50_000;
const PAIRS = 10;
const SAMPLES = 7;
const WARM_UP_SCANS = 15;
const CHURN_SHARE = 0.01;
const HOLDER = fileURLToPath(new URL("./holder.mjs", import.meta.url));
const FIRST_PASS = fileURLToPath(new URL("./first-pass.mjs", import.meta.url));
const PORT = "999";

export const cases: readonly BenchCase[] = [
  { kind: "measured", name: "scan/owners/50k", needs: "kernel", samples: SAMPLES, measure },
];

async function measure({ progress }: MeasureContext): Promise<readonly Figure[]> {
  await using lab = await createLab("host");
  progress(`scan/owners: opening ${SOCKETS} sockets`);
  await fill(lab, 0);
  progress("scan/owners: first pass");
  const first = await samples(async () => ({ ours: await firstPass(1), two: await firstPass(2), ss: await ss(lab) }));
  await lab.ns("host").stopAll();
  progress(`scan/owners: opening them anew, ${CHURN_SHARE * 100} % exchanged per second`);
  await fill(lab, (SOCKETS / 2) * CHURN_SHARE);
  const scanner = new Scanner();
  // A scan as it is in a reporter that has run for a while: compiled, and with everything known.
  for (let i = 0; i < WARM_UP_SCANS; i++) {
    await scanner.scan();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  progress("scan/owners: churn");
  const churn = await samples(async () => {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const { table, socketsMs, ownersMs, cpuMs } = await scanner.scan();
    return { table, ownersMs, ours: { ms: socketsMs + ownersMs, cpuMs }, ss: await ss(lab) };
  });
  const unknown = churn.map(({ table }) => ((table.count - table.health.attributed) / table.count) * 100);
  return [
    { name: "first table, thread and all", unit: "ms", value: first.map(({ ours }) => ours.tableMs) },
    ...compared("first pass", first, { atMost: 1, note: "T4" }),
    { name: "first pass: two threads ÷ one", unit: "×", value: first.map(({ ours, two }) => two.ms / ours.ms) },
    {
      name: "first pass: CPU, two threads ÷ one",
      unit: "×",
      value: first.map(({ ours, two }) => two.cpuMs / ours.cpuMs),
    },
    ...compared("at 1 %/s", churn, { atMost: 0.1, note: "T4" }),
    { name: "at 1 %/s: owners alone", unit: "ms", value: churn.map(({ ownersMs }) => ownersMs) },
    {
      name: "at 1 %/s: owners alone ÷ ss",
      unit: "×",
      value: churn.map(({ ownersMs, ss: other }) => ownersMs / other.ms),
    },
    { name: "at 1 %/s: sockets without owner", unit: "%", value: unknown },
  ];
}

/** Ten servers, each with the connections of one client: every connection is two sockets. */
async function fill(lab: Lab, exchangedPerSecond: number): Promise<void> {
  const host = lab.ns("host");
  await host.sysctl("net.core.somaxconn", 4096);
  const addresses = Array.from({ length: PAIRS }, (_, i) => `127.0.0.${i + 1}`);
  const start = async (...args: string[]): Promise<void> => {
    await host.spawn(process.execPath, [HOLDER, ...args]).line((line) => line === "ready", 60_000);
  };
  await Promise.all(addresses.map((address) => start("server", address, PORT)));
  const each = String(SOCKETS / 2 / PAIRS);
  await Promise.all(
    addresses.map((address) => start("client", address, PORT, each, String(exchangedPerSecond / PAIRS))),
  );
}

/** Wall and CPU time of one run. */
interface Cost {
  readonly ms: number;
  readonly cpuMs: number;
}

/**
 * In a process and a thread that have never scanned (first-pass.mjs). `ms` is the scan's own; the CPU time is that of all threads, the start of the
 * scan's and the compiler's included.
 */
async function firstPass(threads: number): Promise<Cost & { readonly tableMs: number }> {
  const { code, stdout, stderr } = await runCommand(process.execPath, [FIRST_PASS, String(threads)]);
  if (code !== 0) throw new Error(`first pass: ${stderr}`);
  const cost = JSON.parse(stdout) as Cost & { readonly tableMs: number; readonly attributed: number };
  if (cost.attributed < SOCKETS) throw new Error(`only ${cost.attributed} sockets have an owner`);
  return cost;
}

/** Its CPU time is the second line of what the shell's `times` prints: that of its children. */
async function ss(lab: Lab): Promise<Cost> {
  const began = performance.now();
  const command = ["netns", "exec", lab.ns("host").name, "sh", "-c", "ss -tnpH >/dev/null && times"];
  const { code, stdout, stderr } = await runCommand("ip", command);
  if (code !== 0) throw new Error(`ss: ${stderr}`);
  const times = [
    ...stdout
      .trim()
      .split("\n")
      .at(-1)!
      .matchAll(/(\d+)m([\d.]+)s/g),
  ];
  const cpuMs = times.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60_000 + Number(seconds) * 1000, 0);
  return { ms: performance.now() - began, cpuMs };
}

async function samples<T>(take: () => Promise<T>): Promise<T[]> {
  const taken: T[] = [];
  for (let i = 0; i < SAMPLES; i++) taken.push(await take());
  return taken;
}

function compared(
  name: string,
  values: readonly { ours: Cost; ss: Cost }[],
  target: NonNullable<Figure["target"]>,
): Figure[] {
  const ratio = (of: keyof Cost): number[] => values.map(({ ours, ss: other }) => ours[of] / other[of]);
  return [
    { name: `${name}: ours`, unit: "ms", value: values.map(({ ours }) => ours.ms) },
    { name: `${name}: ss -tnpH`, unit: "ms", value: values.map(({ ss: other }) => other.ms) },
    { name: `${name}: ours ÷ ss`, unit: "×", value: ratio("ms"), target },
    { name: `${name}: CPU, ours`, unit: "ms", value: values.map(({ ours }) => ours.cpuMs) },
    { name: `${name}: CPU, ss -tnpH`, unit: "ms", value: values.map(({ ss: other }) => other.cpuMs) },
    { name: `${name}: CPU, ours ÷ ss`, unit: "×", value: ratio("cpuMs") },
  ];
}
