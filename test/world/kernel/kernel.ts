/** The kernel's side of a history: for each namespace, everything that conntrack has to tell, in order, and its table at any moment. */
import type { History } from "../truth/history.ts";
import type { Entry, EntryEvent } from "../truth/lives.ts";

/** An event and whose it is. */
export interface Told {
  readonly entry: Entry;
  readonly event: EntryEvent;
}

/** What happens in one namespace. */
export interface PlaceLog {
  readonly entries: readonly Entry[];
  /** In the order of their times. */
  readonly events: readonly Told[];
}

/** The log of each place. Events before the beginning of the history are left out: nobody listened. */
export function placeLogs({ places, lives }: History): PlaceLog[] {
  const logs = places.map(() => ({ entries: [] as Entry[], events: [] as Told[] }));
  for (const life of lives) {
    for (const entry of life.entries) {
      const log = logs[entry.place]!;
      log.entries.push(entry);
      for (const event of entry.events) if (event.atMs >= 0) log.events.push({ entry, event });
    }
  }
  for (const { events } of logs) events.sort((a, b) => a.event.atMs - b.event.atMs);
  return logs;
}
