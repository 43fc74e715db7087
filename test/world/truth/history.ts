/** A whole history: namespaces, processes and connections, from nothing but a seed. Parts can be left out of it, and what remains is as it was. */
import { PROTOCOL, SOCKET_STATE } from "@conntrail/model";
import { end } from "./addresses.ts";
import { LifeMaker } from "./life-maker.ts";
import type { Life, SocketLife } from "./lives.ts";
import { makePath, OWN_KINDS, PATH_KINDS } from "./paths.ts";
import { makePlaces, type Place } from "./places.ts";
import { ProcessTable } from "./processes.ts";
import { Random } from "./random.ts";

/** What is left out when a failure is shrunk: numbers of lives and of things that the observers do. */
export interface LeftOut {
  readonly lives: ReadonlySet<number>;
  readonly doings: ReadonlySet<string>;
}

/** Nothing is left out. */
export const WHOLE: LeftOut = { lives: new Set(), doings: new Set() };

/** How rough a history is. */
export interface Climate {
  /** How likely a tuple is used again, and how soon at the earliest, in milliseconds. */
  readonly reuse: number;
  readonly reuseMs: number;
  /** How likely a pod tracks, has no cookies, comes or goes. */
  readonly tracked: number;
  readonly cookieless: number;
  readonly moving: number;
  /** How likely an entry is deleted while its connection lives. */
  readonly deleted: number;
  /** How likely a descriptor is handed on, or inherited. */
  readonly handed: number;
  /** How likely a connection is one to oneself, and how likely one ends abruptly. */
  readonly own: number;
  readonly abrupt: number;
}

/** The truth. */
export interface History {
  readonly seed: number;
  readonly lengthMs: number;
  readonly places: readonly Place[];
  readonly lives: readonly Life[];
  readonly sockets: readonly SocketLife[];
  readonly processes: ProcessTable;
}

/** Labels of the generators of a history's parts. */
export const LABEL = {
  places: 1,
  group: 2,
  processes: 3,
  services: 4,
  watch: 5,
  scan: 6,
  tick: 7,
  names: 8,
  plan: 9,
  odd: 10,
} as const;

const SERVER_PORTS = [22, 8080, 15_001] as const;

/** The history of a seed. */
export function makeHistory(seed: number, climate: Climate, leftOut: LeftOut = WHOLE): History {
  const random = new Random(seed, LABEL.plan);
  const lengthMs = random.between(1_500, 4_500);
  const places = makePlaces(new Random(seed, LABEL.places), { ...climate, lengthMs });
  const processes = new ProcessTable(new Random(seed, LABEL.processes));
  const listeners = makeListeners(seed, places, processes);
  const groups = 1 + random.below(random.chance(0.2) ? 10 : 5);
  const lives: Life[] = [];
  const maker = new LifeMaker(places, processes, listeners, climate);
  for (let group = 0; group < groups; group++) {
    const own = new Random(seed, LABEL.group, group);
    // What is odd is drawn from elsewhere: without it a seed's history is as it was before there was any.
    const odd = new Random(seed, LABEL.odd, group);
    const kind = odd.chance(climate.own) ? odd.pick(OWN_KINDS) : own.pick(PATH_KINDS);
    const family = own.chance(0.3) ? 6 : 4;
    const wish = {
      kind,
      family,
      clientPort: 40_000 + group,
      mappedPort: own.chance(0.5) ? 40_000 + group : 61_000 + group,
    } as const;
    const path = makePath(own, places, wish);
    if (path !== undefined) lives.push(...maker.livesOf(own, { path, group, lengthMs, odd }));
  }
  const kept = lives.filter(({ number }) => !leftOut.lives.has(number));
  const ofLives = new Set(kept.flatMap(({ client, server }) => [client, server]).filter((each) => each !== undefined));
  return { seed, lengthMs, places, lives: kept, processes, sockets: [...listeners, ...ofLives] };
}

/** Servers on every namespace, TCP and UDP on the same ports; each takes both families. */
function makeListeners(seed: number, places: readonly Place[], processes: ProcessTable): SocketLife[] {
  return places.flatMap((place) =>
    SERVER_PORTS.flatMap((port, i) => {
      const random = new Random(seed, LABEL.services, place.index, port);
      const bornMs = place.createdMs < 0 ? -random.magnitude(10, 1e8) : place.createdMs + 0.5;
      const process = processes.make(`server${port}`, bornMs, Number.POSITIVE_INFINITY);
      const holders = [{ process, fromMs: bornMs, toMs: Number.POSITIVE_INFINITY }];
      return [PROTOCOL.tcp, PROTOCOL.udp].map((protocol, k): SocketLife => {
        const number = 1 + place.index * 16 + i * 2 + k;
        const state = protocol === PROTOCOL.tcp ? SOCKET_STATE.listen : SOCKET_STATE.close;
        return {
          place: place.index,
          protocol,
          local: end("::", port),
          remote: end("::", 0),
          inode: 1_000 + number,
          cookie: number,
          steps: [{ atMs: bornMs, state, held: true }],
          endMs: place.goneMs,
          holders,
          life: undefined,
        };
      });
    }),
  );
}
