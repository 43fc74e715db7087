/** What one processor tells: events on tracepoints that share a ring. Opened with the trace, closed when the processor goes away. */
import { closeSync } from "node:fs";
import {
  disableEvent,
  enableEvent,
  type Mapping,
  mapShared,
  pageBytes,
  perfEventOpen,
  setEventFilter,
  setEventOutput,
} from "./perf/kernel.ts";
import { Ring } from "./perf/ring.ts";

/** A tracepoint as it is opened on every processor. */
export interface TracepointEvent {
  /** `struct perf_event_attr`. */
  readonly attributes: Uint8Array;
  readonly filter: string;
}

/** Open events. `ring` must not be used after `close()`. */
export interface CpuRing {
  readonly cpu: number;
  readonly ring: Ring;
  /** Readable when the ring fills (see `EventAttributes.wakeBytes`). */
  readonly fd: number;
  /** Starts or stops the further events. Throws OpError. */
  readonly setFurther: (on: boolean) => void;
  readonly close: () => void;
}

/**
 * Opens the event on a processor and starts it; `further` ones write into its ring. `ringBytes` is a power of two of pages. Throws OpError.
 */
export function openCpuRing(
  cpu: number,
  { attributes, filter }: TracepointEvent,
  further: readonly TracepointEvent[],
  ringBytes: number,
): CpuRing {
  const fds: number[] = [];
  let mapping: Mapping | undefined;
  const close = (): void => {
    mapping?.unmap();
    for (const fd of fds) closeSync(fd);
  };
  const open = (event: TracepointEvent): number => {
    const fd = perfEventOpen(event.attributes, cpu);
    fds.push(fd);
    setEventFilter(fd, event.filter);
    return fd;
  };
  try {
    const fd = open({ attributes, filter });
    mapping = mapShared(fd, pageBytes + ringBytes);
    for (const event of further) setEventOutput(open(event), fd);
    for (const each of fds) enableEvent(each);
  } catch (error) {
    close();
    throw error;
  }
  return {
    cpu,
    ring: new Ring(mapping.buffer, pageBytes),
    fd: fds[0]!,
    setFurther: (on) => {
      for (const fd of fds.slice(1)) (on ? enableEvent : disableEvent)(fd);
    },
    close,
  };
}
