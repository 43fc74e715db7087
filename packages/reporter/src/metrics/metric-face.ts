/** Where metrics are shown: each face has all of metric-list.ts, and is told of every change. */

/** Labels of one series. */
export type MetricLabels = Readonly<Record<string, string>>;

/** A face. Every call is cheap; names are those of the list, without a prefix. */
export interface MetricFace {
  /** Adds to a counter. */
  count(name: string, by: number, labels: MetricLabels): void;
  /** Sets a gauge. */
  set(name: string, value: number, labels: MetricLabels): void;
  /** Takes a gauge's series away: it has no value any more. */
  remove(name: string, labels: MetricLabels): void;
  /** Adds an observation to a summary. */
  observe(name: string, value: number): void;
  /** Takes the metrics off: a later reporter may have them. */
  close(): void;
}
