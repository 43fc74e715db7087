/** Takes the samples of a measured case. */
import type { Figure, MeasuredCase } from "./case.ts";
import type { FigureResult } from "./result.ts";

const DEFAULT_SAMPLES = 5;

/** Calls `measure` until there are enough samples; a figure that brings several values at once counts each of them. */
export async function measureCase(measured: MeasuredCase, progress: (text: string) => void): Promise<FigureResult[]> {
  const figures = new Map<string, { first: Figure; samples: number[] }>();
  const wanted = measured.samples ?? DEFAULT_SAMPLES;
  for (let sample = 0; sample < wanted; sample++) {
    progress(`${measured.name}: sample ${sample + 1} of ${wanted}`);
    for (const figure of await measured.measure({ sample, progress })) {
      const entry = figures.get(figure.name) ?? { first: figure, samples: [] };
      entry.samples.push(...(typeof figure.value === "number" ? [figure.value] : figure.value));
      figures.set(figure.name, entry);
    }
    if ([...figures.values()].every(({ samples }) => samples.length >= wanted)) break;
  }
  return [...figures.values()].map(({ first, samples }) => ({
    case: measured.name,
    figure: first.name,
    unit: first.unit,
    samples,
    taken: samples.length,
    roundMedians: samples,
    ...(first.size === undefined ? {} : { size: first.size }),
    ...(first.target === undefined ? {} : { target: first.target }),
  }));
}
