/** Perf events and the list of tracepoints, opened as the reporter opens them. */
import { readMounts } from "@conntrail/procfs";
import { openTracer } from "@conntrail/trace";
import { type Check, found, notAsked, wrong } from "./check.ts";
import { asRoot, has, type Surroundings } from "./surroundings.ts";

const TITLES = [
  ["tracefs", "list of tracepoints"],
  ["perf-events", "perf events"],
] as const;

/** Small, for it is closed at once. */
const RING_BYTES = 4096;

/** What the trace would be, and what stands in its way. */
export function checkTracing(around: Surroundings, wanted: boolean, grant: string | null): Check[] {
  if (!wanted) return TITLES.map(([id, title]) => notAsked(id, title));
  return [checkTracefs(around), checkEvents(around, grant)];
}

function checkTracefs(around: Surroundings): Check {
  const [id, title] = TITLES[0];
  const mount = (readMounts(around.procRoot) ?? []).find(({ type }) => type === "tracefs" || type === "debugfs");
  if (mount !== undefined) return found(id, title, `${mount.type} at ${mount.target}`);
  if (has(around, "CAP_SYS_ADMIN") === true) return found(id, title, "mounted nowhere; a mount of our own does");
  return wrong("missing", id, title, {
    found: "tracefs is mounted nowhere, and a mount of our own takes CAP_SYS_ADMIN",
    lost: "the processes of short connections",
    mend: asRoot("mount -t tracefs tracefs /sys/kernel/tracing"),
  });
}

function checkEvents(around: Surroundings, grant: string | null): Check {
  const [id, title] = TITLES[1];
  const tracer = openTracer({ ringBytes: RING_BYTES, procRoot: around.procRoot });
  const { state, reason, advice, cpus } = tracer.health;
  tracer.close();
  if (state === "ok") return found(id, title, `on ${cpus} ${cpus === 1 ? "processor" : "processors"}`);
  return wrong("missing", id, title, {
    found: `${reason}: ${advice}`,
    lost: "the processes of short connections",
    mend: reason === "not-permitted" ? grant : null,
  });
}
