/** Reads what `--cpu-prof` left (the profile format of the Chrome DevTools Protocol, Profiler.Profile) and tells where the time went. */
import { readFileSync } from "node:fs";
import { formatNumber } from "./table.ts";

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const SHOWN = 20;
const OURS = /\/packages\/[^/]+\/(src|dist)\/|\.bench\.ts$/;
const IDLE = new Set(["(idle)", "(program)", "(root)"]);

/** The functions with the most time of their own, a line each: milliseconds, share, name, place. `undefined` for a thread that ran none of our code. */
export function summarizeProfile(path: string): string | undefined {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(path, "utf8")) as CpuProfile;
  if (!nodes.some(({ callFrame }) => OURS.test(callFrame.url))) return undefined;
  const places = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const micros = new Map<string, number>();
  for (const [i, id] of samples.entries()) {
    const frame = places.get(id);
    if (frame === undefined || IDLE.has(frame.functionName)) continue;
    const file = frame.url.replace(/^.*\/(packages|node_modules|bench)\//, "$1/");
    const name = `${frame.functionName || "(anonymous)"}  ${file === "" ? "" : `${file}:${frame.lineNumber + 1}`}`;
    micros.set(name, (micros.get(name) ?? 0) + timeDeltas[i]!);
  }
  const total = [...micros.values()].reduce((sum, value) => sum + value, 0);
  return [...micros]
    .sort(([, a], [, b]) => b - a)
    .slice(0, SHOWN)
    .map(
      ([name, value]) =>
        `${formatNumber(value / 1000).padStart(8)} ms ${((value / total) * 100).toFixed(1).padStart(5)} %  ${name}`,
    )
    .join("\n");
}
