/** What one processor tells: an event on the tracepoint with its ring. Opened with the trace, closed when the processor goes away. */
import { closeSync } from "node:fs";
import { enableEvent, type Mapping, mapShared, pageBytes, perfEventOpen, setEventFilter } from "./perf/kernel.ts";
import { Ring } from "./perf/ring.ts";

/** An open event. `ring` must not be used after `close()`. */
export interface CpuRing {
  readonly cpu: number;
  readonly ring: Ring;
  readonly close: () => void;
}

/** Opens the event on a processor and starts it. `ringBytes` is a power of two of pages. Throws OpError. */
export function openCpuRing(cpu: number, attributes: Uint8Array, filter: string, ringBytes: number): CpuRing {
  const fd = perfEventOpen(attributes, cpu);
  let mapping: Mapping | undefined;
  try {
    setEventFilter(fd, filter);
    mapping = mapShared(fd, pageBytes + ringBytes);
    enableEvent(fd);
  } catch (error) {
    mapping?.unmap();
    closeSync(fd);
    throw error;
  }
  const { buffer, unmap } = mapping;
  return {
    cpu,
    ring: new Ring(buffer, pageBytes),
    close: () => {
      unmap();
      closeSync(fd);
    },
  };
}
