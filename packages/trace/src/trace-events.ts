/**
 * Which tracepoints a trace listens to on this kernel, and their decoders: `sock:inet_sock_set_state`, without which there is no trace, and the look-ups of
 * routes, which tell who sends datagrams, where the kernel has them with ports (Linux 4.17).
 */
import { FAMILY } from "@conntrail/model";
import { isDecodeError } from "@conntrail/netlink";
import { STATE_FILTER } from "./connection-facts.ts";
import type { TracepointEvent } from "./cpu-ring.ts";
import { DATAGRAM_FILTER, Datagram } from "./datagram.ts";
import { encodeEventAttributes } from "./perf/event-attributes.ts";
import { StateChange } from "./state-change.ts";
import type { EventFormat } from "./tracefs/event-format.ts";
import { readEventFormat, type Tracefs } from "./tracefs/tracefs.ts";

/** The events and what reads them. */
export interface TraceEvents {
  readonly first: TracepointEvent;
  readonly further: readonly TracepointEvent[];
  readonly change: StateChange;
  readonly datagrams: readonly Datagram[];
}

/** The formats that this kernel has; `undefined` without the first tracepoint. Throws OpError, DecodeError. */
export function readFormats(tracefs: Tracefs): readonly [EventFormat, ...(EventFormat | undefined)[]] | undefined {
  const state = readEventFormat(tracefs, "sock/inet_sock_set_state");
  if (state === undefined) return undefined;
  return [state, readEventFormat(tracefs, "fib/fib_table_lookup"), readEventFormat(tracefs, "fib6/fib6_table_lookup")];
}

/** What the events are to tell. */
export interface TraceWishes {
  /** The control group with each sample. */
  readonly cgroups: boolean;
  readonly senders: boolean;
  /** See `EventAttributes`. */
  readonly wakeBytes: number;
}

/** The events by their formats. Throws DecodeError for a first format that lacks a field. */
export function traceEvents(
  [state, fib4, fib6]: readonly [EventFormat, ...(EventFormat | undefined)[]],
  { cgroups, senders, wakeBytes }: TraceWishes,
): TraceEvents {
  const event = (tracepoint: number, processes: boolean, filter: string): TracepointEvent => ({
    attributes: encodeEventAttributes({ tracepoint, processes, cgroups, wakeBytes: processes ? wakeBytes : 0 }),
    filter,
  });
  const datagrams = senders ? [...datagram(fib4, FAMILY.ipv4, cgroups), ...datagram(fib6, FAMILY.ipv6, cgroups)] : [];
  return {
    first: event(state.id, true, STATE_FILTER),
    further: datagrams.map(({ id }) => event(id, false, DATAGRAM_FILTER)),
    change: new StateChange(state, cgroups),
    datagrams,
  };
}

/** One decoder, or none when the kernel describes the event otherwise: it is of use without. */
function datagram(format: EventFormat | undefined, family: number, cgroups: boolean): readonly Datagram[] {
  if (format === undefined) return [];
  try {
    return [new Datagram(format, family, cgroups)];
  } catch (error) {
    if (!isDecodeError(error)) throw error;
    return [];
  }
}
