/** What the observers have seen of the truth, and with which batch or table it reached the pipeline. The laws ask it what could be known. */
import type { Entry, SocketLife } from "../truth/lives.ts";
import type { Process } from "../truth/processes.ts";

/** What was read of one entry. Batches are numbered from 1; 0: never. */
export interface EntrySight {
  readonly entry: Entry;
  /** Its NEW was read. */
  began: boolean;
  /** The batch with the first word of it while it was open. */
  opened: number;
  /** The batch with the first word of a TCP connection that it is established. */
  established: number;
  /** The batch with its end: its closing state, its DESTROY, a dump without it, its namespace gone. */
  closed: number;
  /** Its end was seen, not concluded. */
  endSeen: boolean;
  /** Events of it that were lost. */
  lost: number;
  /** It was made while nobody listened, and has no events. */
  silent: boolean;
}

/** A socket in a table. Tables are numbered from 1. */
export interface SocketSight {
  readonly table: number;
  readonly socket: SocketLife;
  readonly state: number;
  readonly held: boolean;
  readonly owner: Process | undefined;
}

/** Everything that was seen in one history. */
export class Sights {
  readonly entries: Map<Entry, EntrySight> = new Map();
  readonly sockets: Map<SocketLife, SocketSight[]> = new Map();
  /** When a batch or table was closed, and when it reached the pipeline, by its number. */
  readonly batchMs: number[] = [Number.NEGATIVE_INFINITY];
  readonly batchTakenMs: number[] = [Number.NEGATIVE_INFINITY];
  readonly tableStartMs: number[] = [Number.NEGATIVE_INFINITY];
  readonly tableTakenMs: number[] = [Number.NEGATIVE_INFINITY];
  /** Losses that happened: where, and when. */
  readonly overruns: { readonly place: number; readonly atMs: number }[] = [];

  entry(entry: Entry): EntrySight {
    let sight = this.entries.get(entry);
    if (sight === undefined) {
      sight = { entry, began: false, opened: 0, established: 0, closed: 0, endSeen: false, lost: 0, silent: false };
      this.entries.set(entry, sight);
    }
    return sight;
  }

  socket(sight: SocketSight): void {
    const sights = this.sockets.get(sight.socket);
    if (sights === undefined) this.sockets.set(sight.socket, [sight]);
    else sights.push(sight);
  }
}
