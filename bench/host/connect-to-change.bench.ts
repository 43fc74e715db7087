/**
 * T8: from connect() to the change that tells of the connection, in a program that listens to changes: as opened, and with the processes of both ends. Connections one after another, each left
 * open. Beside it stands how long a timer of that program is late, the machine's own share.
 */
import { fileURLToPath } from "node:url";
import { createLab } from "@conntrail/test/lab/lab";
import { TRACK } from "@conntrail/test/lab/topology";
import type { BenchCase, Figure, MeasureContext } from "../case.ts";

const CONNECTIONS = 200;
/** No divisor of any interval: the connections spread over its phases. */
const PAUSE_MS = 107;
const TARGET_MS = 60;
const DEADLINE_MS = 60_000;
const PROGRAM = fileURLToPath(new URL("./changes.mjs", import.meta.url));

export const cases: readonly BenchCase[] = [
  { kind: "measured", name: "host/connect-to-change", needs: "kernel", samples: 1, measure },
];

interface Told {
  readonly openedMs: number;
  readonly knownMs: number;
  readonly kind: "opened" | "changed";
  readonly server: number;
}

async function measure({ progress }: MeasureContext): Promise<readonly Figure[]> {
  progress(`host/connect-to-change: ${CONNECTIONS} connections`);
  await using lab = await createLab("host");
  const host = lab.ns("host");
  await host.nft(TRACK);
  const server = await host.start("tcp-server");
  const program = host.spawn(process.execPath, [PROGRAM, ...[server.ready.port!, CONNECTIONS, PAUSE_MS].map(String)]);
  await program.line((line) => line.includes('"ready"'), DEADLINE_MS);
  const told: Told[] = [];
  while (told.length < CONNECTIONS) told.push(await program.json<Told>(DEADLINE_MS));
  const { lateMs } = await program.json<{ lateMs: number }>(DEADLINE_MS);
  const wrong = told.filter((one) => one.server !== server.pid).length;
  const target = { atMost: TARGET_MS, note: "T8" };
  return [
    { name: "opened", unit: "ms", value: told.map(({ openedMs }) => openedMs) },
    { name: "opened: p99", unit: "ms", value: p99(told.map(({ openedMs }) => openedMs)) },
    { name: "with both processes", unit: "ms", value: told.map(({ knownMs }) => knownMs) },
    { name: "with both processes: p99", unit: "ms", value: p99(told.map(({ knownMs }) => knownMs)), target },
    { name: "known with the opening", unit: "%", value: (100 * told.filter(isAtOnce).length) / CONNECTIONS },
    { name: "another's process", unit: "connections", value: wrong, target: { atMost: 0, note: "none" } },
    { name: "timers of the program late: p99", unit: "ms", value: lateMs },
  ];
}

function isAtOnce({ kind }: Told): boolean {
  return kind === "opened";
}

function p99(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.99) - 1]!;
}
