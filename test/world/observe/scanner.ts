/** The simulated scan: it comes to each namespace at a moment of its own, and to the processes when it has all sockets. What it saw becomes a real SocketTable. */
import {
  FAMILY,
  indexOf,
  type NamespaceFacts,
  OWNER_REASON,
  type Owner,
  packKind,
  type ScanHealth,
  SOCKET,
  SOCKET_FLAG,
  SOCKET_STATE,
  SOCKET_WORDS,
  type SocketTable,
} from "@conntrail/model";
import { addressOf, portOf } from "../truth/addresses.ts";
import type { History } from "../truth/history.ts";
import { type SocketLife, type SocketStep, socketAt } from "../truth/lives.ts";
import type { Place } from "../truth/places.ts";
import type { Process } from "../truth/processes.ts";
import type { Random } from "../truth/random.ts";
import { timeOf } from "./plan.ts";
import type { Sights } from "./sights.ts";

/** A socket as it was found. */
interface Found {
  readonly socket: SocketLife;
  readonly step: SocketStep;
}

/** One scan: when it came to each place, and to the processes. */
export interface ScanTimes {
  readonly startMs: number;
  /** By the index of the place. */
  readonly placeMs: readonly number[];
  readonly socketsMs: number;
  readonly ownersMs: number;
}

/** The moments of a scan that begins at `startMs` and takes `lastsMs` at the most for everything. */
export function scanTimes(random: Random, places: number, startMs: number, lastsMs: number): ScanTimes {
  const step = random.magnitude(0.05, Math.max(0.1, lastsMs)) / (places + 1);
  const placeMs = Array.from({ length: places }, (_, i) => startMs + step * (i + random.next()));
  const socketsMs = startMs + step * places;
  return { startMs, placeMs, socketsMs, ownersMs: socketsMs + random.magnitude(0.05, Math.max(0.1, lastsMs / 4)) };
}

/** Scans. */
export function scan(history: History, times: ScanTimes, table: number, random: Random, sights: Sights): SocketTable {
  const found = findSockets(history, times);
  // The kernel gives them by hash: in no order.
  for (let i = found.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [found[i], found[j]] = [found[j]!, found[i]!];
  }
  const rows = new Uint32Array(found.length * SOCKET_WORDS);
  const doubles = new Float64Array(rows.buffer);
  const owners: Owner[] = [];
  const places = new Map<Process, number>();
  let attributed = 0;
  found.forEach(({ socket, step }, i) => {
    const holders = step.held ? holdersAt(socket, times.ownersMs) : [];
    const [owner] = holders;
    sights.socket({ table, socket, state: step.state, held: step.held, owner });
    if (owner !== undefined && !places.has(owner)) places.set(owner, owners.push(ownerOf(owner)));
    if (owner !== undefined) attributed++;
    const place = owner === undefined ? 0 : places.get(owner)!;
    writeRow(rows, doubles, i * SOCKET_WORDS, history.places[socket.place]!, { socket, step }, place, holders.length);
  });
  const there = history.places.filter((place, i) => isThere(place, times.placeMs[i]!));
  return {
    kind: "sockets",
    timeMs: timeOf(times.socketsMs),
    cutMs: timeOf(times.socketsMs),
    startedMs: timeOf(times.startMs),
    count: found.length,
    rows,
    owners,
    namespaces: there.map((place) => factsOf(place, times)),
    health: { ...HEALTH, sockets: found.length, attributed, namespaces: there.length },
  };
}

const HEALTH: ScanHealth = {
  state: "ok",
  reason: null,
  advice: null,
  scans: 1,
  durationMs: 1,
  sockets: 0,
  attributed: 0,
  processes: 1,
  namespaces: 1,
  undecodable: 0,
  backend: "sock_diag",
  uncut: 0,
};

/** The sockets were read at one moment; the readings around it are a little apart. */
function factsOf({ netns, words, index }: Place, { placeMs }: ScanTimes): NamespaceFacts {
  const atMs = timeOf(placeMs[index]!);
  const ephemeral = { low: 32_768, high: 60_999 };
  return { netns, addresses: words, ephemeral, readFromMs: atMs - 0.02, readByMs: atMs + 0.02 };
}

function findSockets({ sockets, places }: History, { placeMs }: ScanTimes): Found[] {
  const found: Found[] = [];
  for (const socket of sockets) {
    const atMs = placeMs[socket.place]!;
    const step = isThere(places[socket.place]!, atMs) ? socketAt(socket, atMs) : undefined;
    if (step !== undefined) found.push({ socket, step });
  }
  return found;
}

function isThere({ createdMs, goneMs }: Place, atMs: number): boolean {
  return createdMs <= atMs && atMs < goneMs;
}

/** Who has the descriptor, the lowest pid first. A socket that was closed meanwhile has nobody. */
function holdersAt({ holders, steps, endMs }: SocketLife, atMs: number): Process[] {
  if (atMs >= endMs || socketAt({ steps, endMs } as SocketLife, atMs)?.held !== true) return [];
  return holders
    .filter(({ fromMs, toMs, process }) => fromMs <= atMs && atMs < toMs && atMs < process.diedMs)
    .map(({ process }) => process)
    .sort((a, b) => a.pid - b.pid);
}

function ownerOf({ pid, startTicks, name }: Process): Owner {
  return { pid, startTicks, process: name, ppid: 1, cmdline: name, cgroup: "", containerId: "" };
}

function writeRow(
  rows: Uint32Array,
  doubles: Float64Array,
  base: number,
  place: Place,
  { socket, step }: Found,
  owner: number,
  holders: number,
): void {
  const { local, remote, protocol, life } = socket;
  const address = addressOf(local);
  rows.set(address.words, base + SOCKET.local);
  rows.set(addressOf(remote).words, base + SOCKET.remote);
  rows[base + SOCKET.ports] = (portOf(local) << 16) | portOf(remote);
  const listens = life === undefined && step.state === SOCKET_STATE.listen;
  const flags = life === undefined ? SOCKET_FLAG.dualStack : 0;
  const family = address.family === 4 ? FAMILY.ipv4 : FAMILY.ipv6;
  rows[base + SOCKET.kind] = packKind(protocol, family, step.state, listens || protocol === 17 ? flags : 0);
  rows[base + SOCKET.netns] = place.netns;
  rows[base + SOCKET.inode] = step.held ? socket.inode : 0;
  rows[base + SOCKET.owner] = owner;
  rows[base + SOCKET.reason] = owner === 0 ? indexOf(OWNER_REASON, "no-process") : 0;
  rows[base + SOCKET.cookieLow] = place.cookieless ? 0 : socket.cookie;
  rows[base + SOCKET.owners] = holders;
  const number = life?.number ?? -1;
  doubles[(base + SOCKET.bytesSent) >> 1] = number;
  doubles[(base + SOCKET.bytesReceived) >> 1] = number;
}
