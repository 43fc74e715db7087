/**
 * Threads that called connect(2) on sockets whose port is not known yet, by the socket. An open-addressed table without an object
 * per connection; when it is full the call is forgotten, and that connection has no traced opener.
 */
import type { ProcessEntry } from "./processes/process-entry.ts";

/** Sockets that may be connecting at once: half of the places. */
const PLACES = 1 << 17;
const MASK = PLACES - 1;

/** The table. What `take` found is in its members. */
export class Openers {
  entry: ProcessEntry | undefined;
  netns = 0;
  timeNs = 0;
  #size = 0;
  #sockets = new Float64Array(0);
  #times = new Float64Array(0);
  #netns = new Uint32Array(0);
  #entries: (ProcessEntry | undefined)[] = [];

  /** Remembers a call; the one before on the same socket is over. False when there is no room. */
  set(socket: number, entry: ProcessEntry | undefined, netns: number, timeNs: number): boolean {
    if (this.#sockets.length === 0) this.clear();
    let place = this.#find(socket);
    if (this.#sockets[place] !== socket) {
      if (this.#size >= PLACES / 2) return false;
      this.#size++;
      place = this.#find(socket);
    }
    this.#sockets[place] = socket;
    this.#times[place] = timeNs;
    this.#netns[place] = netns;
    this.#entries[place] = entry;
    return true;
  }

  /** Takes the call of a socket out. False when there was none. */
  take(socket: number): boolean {
    if (this.#size === 0) return false;
    const place = this.#find(socket);
    if (this.#sockets[place] !== socket) return false;
    this.entry = this.#entries[place];
    this.netns = this.#netns[place]!;
    this.timeNs = this.#times[place]!;
    this.#remove(place);
    return true;
  }

  /** Forgets all. */
  clear(): void {
    if (this.#sockets.length > 0 && this.#size === 0) return;
    this.#size = 0;
    this.#sockets = new Float64Array(PLACES);
    this.#times = new Float64Array(PLACES);
    this.#netns = new Uint32Array(PLACES);
    this.#entries = new Array<ProcessEntry | undefined>(PLACES);
  }

  /** The place of a socket, or the free one where it would be. No socket is 0. */
  #find(socket: number): number {
    let place = home(socket);
    while (this.#sockets[place] !== 0 && this.#sockets[place] !== socket) place = (place + 1) & MASK;
    return place;
  }

  /** Closes the gap, so that no search ends too early. */
  #remove(removed: number): void {
    this.#size--;
    let gap = removed;
    for (let place = (gap + 1) & MASK; this.#sockets[place] !== 0; place = (place + 1) & MASK) {
      const wanted = home(this.#sockets[place]!);
      if (((place - wanted) & MASK) < ((place - gap) & MASK)) continue;
      this.#sockets[gap] = this.#sockets[place]!;
      this.#times[gap] = this.#times[place]!;
      this.#netns[gap] = this.#netns[place]!;
      this.#entries[gap] = this.#entries[place];
      gap = place;
    }
    this.#sockets[gap] = 0;
    this.#entries[gap] = undefined;
  }
}

/** Sockets come from a slab: their addresses are multiples of 64. */
function home(socket: number): number {
  const low = (socket / 64) | 0;
  return Math.imul(low, 0x9e3779b1) >>> (32 - 17);
}
