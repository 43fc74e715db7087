/**
 * Runs the cases of one bench file, in a process of its own: what one file leaves behind in the heap and in the compiler
 * does not slow down the next. Started by run.ts with an IPC channel; each figure goes out as it is known.
 */
import { kernelObstacle } from "@conntrail/test/lab/kernel";
import type { BenchCase, TimedCase } from "./case.ts";
import { loadCases } from "./discover.ts";
import { measureCase } from "./measure-case.ts";
import type { FigureResult, Omission } from "./result.ts";
import { summarize } from "./statistics.ts";
import { type TimingOptions, timeCase } from "./time-case.ts";

/** What run.ts asks for: JSON, the only argument. */
export interface FileRequest extends TimingOptions {
  readonly file: string;
  readonly folder: string;
  /** Regular expressions; a case is run when one of them matches its name. None: all. */
  readonly patterns: readonly string[];
  /** Names only. */
  readonly list: boolean;
}

/** What comes back. */
export type FileMessage =
  | { readonly kind: "case"; readonly name: string }
  | { readonly kind: "progress"; readonly text: string }
  | { readonly kind: "figures"; readonly figures: readonly FigureResult[] }
  | { readonly kind: "omitted"; readonly omission: Omission };

const send = (message: FileMessage): void => {
  process.send!(message);
};
const progress = (text: string): void => send({ kind: "progress", text });

async function runFile(request: FileRequest): Promise<void> {
  const patterns = request.patterns.map((pattern) => new RegExp(pattern));
  const cases = (await loadCases(request.file, request.folder)).filter(
    ({ name }) => patterns.length === 0 || patterns.some((pattern) => pattern.test(name)),
  );
  const figures: FigureResult[] = [];
  for (const benchCase of cases) {
    send({ kind: "case", name: benchCase.name });
    if (!request.list) figures.push(...(await runCase(benchCase, request)));
  }
  send({ kind: "figures", figures: cases.flatMap((benchCase) => ratioOf(benchCase, figures)) });
}

/** A case that fails is told and does not stop the others. */
async function runCase(benchCase: BenchCase, timing: TimingOptions): Promise<readonly FigureResult[]> {
  const omit = (reason: string, failed: boolean): FigureResult[] => {
    send({ kind: "omitted", omission: { case: benchCase.name, reason, failed } });
    return [];
  };
  try {
    if (benchCase.kind === "measured" && timing.round > 0) return [];
    if (benchCase.kind === "measured" && benchCase.needs === "kernel") {
      const obstacle = await kernelObstacle();
      if (obstacle !== undefined) return omit(`needs a kernel it can use: ${obstacle}`, false);
    }
    if (benchCase.kind === "measured" && typeof benchCase.needs === "function") {
      const obstacle = benchCase.needs();
      if (obstacle !== undefined) return omit(obstacle, false);
    }
    progress(`${benchCase.name}: round ${timing.round + 1}`);
    const figures =
      benchCase.kind === "timed" ? await timeCase(benchCase, timing) : await measureCase(benchCase, progress);
    send({ kind: "figures", figures });
    return figures;
  } catch (error) {
    return omit(error instanceof Error ? (error.stack ?? error.message) : String(error), true);
  }
}

/** The ratio of a case to the one it names, both from this round and process. */
function ratioOf(benchCase: BenchCase, figures: readonly FigureResult[]): FigureResult[] {
  const { against } = benchCase as TimedCase;
  if (against === undefined) return [];
  const timeOf = (name: string): FigureResult | undefined =>
    figures.find((f) => f.case === name && f.figure === "time");
  const [own, other] = [timeOf(benchCase.name), timeOf(against.name)];
  if (own === undefined || other === undefined) return [];
  const ratio = summarize(own.samples).median / summarize(other.samples).median;
  return [
    {
      case: benchCase.name,
      figure: `time ÷ ${against.name}`,
      unit: "×",
      samples: [ratio],
      taken: 1,
      roundMedians: [ratio],
      ...(against.target === undefined ? {} : { target: against.target }),
    },
  ];
}

await runFile(JSON.parse(process.argv[2]!) as FileRequest);
process.disconnect();
