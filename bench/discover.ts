/** Finds the bench files and reads what they export. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { BenchCase, Figure, MeasuredCase } from "./case.ts";

/** All files named `*.bench.ts` below the folder, sorted. */
export function findBenchFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".bench.ts") && !path.includes("node_modules"))
    .sort()
    .map((path) => join(folder, path));
}

/** What a bench file may export: cases, or in the plain form one function that gives figures. */
interface BenchModule {
  readonly cases?: readonly BenchCase[];
  readonly run?: () => Promise<readonly PlainFigure[]>;
}

/** A figure of the plain form. `against` is a number to be compared with: the ratio becomes a figure of its own. */
interface PlainFigure extends Figure {
  readonly against?: number | { readonly name: string; readonly value: number };
}

/** Loads the cases of one file. A file of the plain form is one measured case, named after its path below `folder`. */
export async function loadCases(file: string, folder: string): Promise<readonly BenchCase[]> {
  const module = (await import(pathToFileURL(file).href)) as BenchModule;
  if (module.cases !== undefined) return module.cases;
  if (module.run === undefined) throw new Error(`${file}: exports neither cases nor run`);
  const name = file.slice(folder.length + 1).replace(/\.bench\.ts$/, "");
  return [plainCase(name, module.run)];
}

function plainCase(name: string, run: () => Promise<readonly PlainFigure[]>): MeasuredCase {
  return { kind: "measured", name, measure: async () => (await run()).flatMap(withRatio) };
}

function withRatio({ against, ...figure }: PlainFigure): Figure[] {
  if (against === undefined || typeof figure.value !== "number") return [figure];
  const other = typeof against === "number" ? { name: "reference", value: against } : against;
  return [figure, { name: `${figure.name} ÷ ${other.name}`, unit: "×", value: figure.value / other.value }];
}
