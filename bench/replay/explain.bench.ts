/**
 * What `explain()` costs those who do not ask: a replay into a pipeline whose inputs are kept (RecentInputs, as a running reporter keeps them), against one whose inputs
 * are not, turn by turn; and what one question costs. CPU of the whole process.
 */
import type { ConnectionJson, HealthJson } from "@conntrail/report";
import { replayReports } from "@conntrail/reporter";
import type { BenchCase } from "../case.ts";
import { recording } from "./lives-recording.ts";

const LIVES = 20_000;
/** As `top` and `serve` have it; the preset of a reporter is 8 MiB. */
const MOST_BYTES = 64 << 20;

/** Parts of the reporter that nobody else needs. */
interface Inputs {
  take(input: unknown): void;
  explain(
    row: ConnectionJson,
    health: HealthJson,
    names: object,
    clock: object,
  ): { readonly facts: readonly unknown[] };
}
type Replay = (path: string, options: object, tap: object) => Promise<void>;
const at = (file: string): string => new URL(`../../packages/reporter/dist/${file}`, import.meta.url).href;

async function cpuMs(run: () => Promise<unknown>): Promise<number> {
  const began = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1000;
}

interface Asked {
  readonly row: ConnectionJson;
  readonly health: HealthJson;
}

let lastOne: Promise<Asked> | undefined;

/** What is asked about: the same in every sample. */
function lastRow(path: string): Promise<Asked> {
  lastOne ??= findLast(path);
  return lastOne;
}

async function findLast(path: string): Promise<Asked> {
  let found: Asked | undefined;
  for await (const report of replayReports(path)) {
    for (const view of report.connections()) found = { row: view.toJSON(), health: report.health };
  }
  if (found === undefined) throw new Error("nothing was replayed");
  return found;
}

export const cases: readonly BenchCase[] = [
  {
    kind: "measured",
    name: "replay/explain",
    samples: 7,
    measure: async ({ sample }) => {
      const { RecentInputs } = (await import(at("explain/recent-inputs.js"))) as {
        RecentInputs: new (most: number) => Inputs;
      };
      const { replayTapped } = (await import(at("replay/replay.js"))) as { replayTapped: Replay };
      const { path } = await recording(LIVES, 0.25);
      const without = (): Promise<number> =>
        cpuMs(() =>
          replayTapped(
            path,
            {},
            tap(() => undefined),
          ),
        );
      let kept = new RecentInputs(MOST_BYTES);
      let takingMs = 0;
      const keeping = (): Promise<number> => {
        kept = new RecentInputs(MOST_BYTES);
        takingMs = 0;
        const take = (input: unknown): void => {
          const began = performance.now();
          kept.take(input);
          takingMs += performance.now() - began;
        };
        return cpuMs(() => replayTapped(path, {}, tap(take)));
      };
      if (sample === 0) await without().then(keeping);
      const inOrder = sample % 2 === 0;
      const first = await (inOrder ? without() : keeping());
      const second = await (inOrder ? keeping() : without());
      const [plain, kept64] = inOrder ? [first, second] : [second, first];
      const { row, health } = await lastRow(path);
      const asked = await cpuMs(async () =>
        kept.explain(row, health, { get: () => undefined }, { nowMs: 0, wallAheadMs: 0 }),
      );
      return [
        { name: "inputs not kept", unit: "ms CPU", value: plain },
        { name: "inputs kept", unit: "ms CPU", value: kept64 },
        { name: "ratio", unit: "×", value: kept64 / plain },
        {
          name: "keeping, of the replay",
          unit: "%",
          value: (100 * takingMs) / plain,
          target: { atMost: 1, note: "D-69" },
        },
        { name: "one question", unit: "ms CPU", value: asked },
      ];
    },
  },
];

function tap(take: (input: unknown) => void): object {
  return { flows: take, sockets: take, trace: take, names: () => undefined };
}
