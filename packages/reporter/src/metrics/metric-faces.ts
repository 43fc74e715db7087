/** The faces that a reporter was asked to show its metrics on. */
import type { ReporterOptions } from "../options/reporter-options.ts";
import { meterFace } from "./meter-face.ts";
import type { MetricFace } from "./metric-face.ts";
import { prometheusFace } from "./prometheus-face.ts";

/** None, one or both. Throws an OptionError when a registry has the metrics already. */
export function metricFaces({ metrics, meter, metricsPrefix = "conntrail_" }: ReporterOptions): MetricFace[] {
  const faces: MetricFace[] = [];
  if (metrics !== undefined) faces.push(prometheusFace(metrics, metricsPrefix));
  if (meter !== undefined) faces.push(meterFace(meter, metricsPrefix));
  return faces;
}
