/** Opened, closed and failed connections over the last batches (uPlot). */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import UPlot from "uplot";
import type { Store } from "./store.ts";

const SIZE = { width: 220, height: 44 } as const;
const COLORS = { opened: "#2a7de1", closed: "#8a8f98", failed: "#d33f49" } as const;

/** The three lines, with the latest numbers beside them. */
export function Sparkline({ series }: { readonly series: Store["series"] }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  const { opened, closed, failed } = series;
  const data: UPlot.AlignedData = [opened.map((_, i) => i), opened, closed, failed];
  useEffect(() => {
    const line = (stroke: string): UPlot.Series => ({ stroke, width: 1.5, points: { show: false } });
    plot.current = new UPlot(
      {
        ...SIZE,
        cursor: { show: false },
        legend: { show: false },
        axes: [{ show: false }, { show: false }],
        scales: { x: { time: false }, y: { range: (_, __, max) => [0, Math.max(1, max)] } },
        series: [{}, line(COLORS.opened), line(COLORS.closed), line(COLORS.failed)],
      },
      data,
      place.current!,
    );
    return () => plot.current?.destroy();
  }, []);
  useEffect(() => plot.current?.setData(data));
  const last = { opened: opened.at(-1) ?? 0, closed: closed.at(-1) ?? 0, failed: failed.at(-1) ?? 0 };
  return (
    <div class="spark">
      <div ref={place} aria-hidden="true" />
      <dl>
        {Object.entries(last).map(([name, value]) => (
          <div key={name} class={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
