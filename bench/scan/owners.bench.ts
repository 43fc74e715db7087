/**
 * T4: the owners of 50,000 sockets, held by 20 processes in a namespace of their own. Ours is a table of all sockets of all namespaces with their
 * processes; beside it runs `ss -tnpH`, which does the same for that one namespace. First from nothing (a new thread here, a new process there),
 * then with 1 % of the sockets exchanged every second. Sample by sample, one after the other, so that both meet the same machine.
 */
import { Scanner, scanSockets } from "@conntrail/scan";
import { runCommand } from "@conntrail/test/lab/command";
import { createLab, type Lab } from "@conntrail/test/lab/lab";
import { lastValueFrom, take } from "rxjs";
import type { BenchCase, Figure, MeasureContext } from "../case.ts";

const SOCKETS = 50_000;
const PAIRS = 10;
const SAMPLES = 7;
const CHURN_SHARE = 0.01;
const HOLDER = new URL("./holder.mjs", import.meta.url).pathname;
const PORT = "999";

export const cases: readonly BenchCase[] = [
  { kind: "measured", name: "scan/owners/50k", needs: "kernel", samples: SAMPLES, measure },
];

async function measure({ progress }: MeasureContext): Promise<readonly Figure[]> {
  await using lab = await createLab("host");
  progress(`scan/owners: opening ${SOCKETS} sockets`);
  await fill(lab, 0);
  progress("scan/owners: first pass");
  const first = await samples(async () => ({ ours: await time(firstPass), ss: await time(() => ss(lab)) }));
  await lab.ns("host").stopAll();
  progress(`scan/owners: opening them anew, ${CHURN_SHARE * 100} % exchanged per second`);
  await fill(lab, (SOCKETS / 2) * CHURN_SHARE);
  const scanner = new Scanner();
  for (let i = 0; i < 3; i++) await scanner.scan();
  progress("scan/owners: churn");
  const churn = await samples(async () => {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const scan = await scanner.scan();
    return { ...scan, ours: scan.socketsMs + scan.ownersMs, ss: await time(() => ss(lab)) };
  });
  const unknown = churn.map(({ table }) => ((table.count - table.health.attributed) / table.count) * 100);
  return [
    ...compared("first pass", first, { atMost: 1, note: "T4" }),
    ...compared("at 1 %/s", churn, { atMost: 0.1, note: "T4" }),
    { name: "at 1 %/s: owners alone", unit: "ms", value: churn.map(({ ownersMs }) => ownersMs) },
    { name: "at 1 %/s: CPU", unit: "ms", value: churn.map(({ cpuMs }) => cpuMs) },
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

async function firstPass(): Promise<void> {
  const table = await lastValueFrom(scanSockets().pipe(take(1)), { defaultValue: undefined });
  if (table === undefined || table.health.attributed < SOCKETS)
    throw new Error(`only ${table?.health.attributed} sockets have an owner`);
}

async function ss(lab: Lab): Promise<void> {
  const { code, stderr } = await runCommand("ip", [
    "netns",
    "exec",
    lab.ns("host").name,
    "sh",
    "-c",
    "ss -tnpH >/dev/null",
  ]);
  if (code !== 0) throw new Error(`ss: ${stderr}`);
}

async function time(action: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await action();
  return performance.now() - began;
}

async function samples<T>(take: () => Promise<T>): Promise<T[]> {
  const taken: T[] = [];
  for (let i = 0; i < SAMPLES; i++) taken.push(await take());
  return taken;
}

function compared(
  name: string,
  values: readonly { ours: number; ss: number }[],
  target: NonNullable<Figure["target"]>,
): Figure[] {
  return [
    { name: `${name}: ours`, unit: "ms", value: values.map(({ ours }) => ours) },
    { name: `${name}: ss -tnpH`, unit: "ms", value: values.map(({ ss: other }) => other) },
    { name: `${name}: ours ÷ ss`, unit: "×", value: values.map(({ ours, ss: other }) => ours / other), target },
  ];
}
