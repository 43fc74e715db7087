/**
 * The ways that a connection can take through the namespaces, with every kind of NAT: which entry each namespace's conntrack makes of it, and what the
 * sockets at its ends see. Written from iptables' hooks: destinations are rewritten on the way in, sources on the way out (iptables-extensions(8)).
 */
import { type End, end } from "./addresses.ts";
import { GATEWAY, HOST, LOOPBACK, type Place, REMOTE, virtualAddress } from "./places.ts";
import type { Random } from "./random.ts";

/** An entry in a namespace's conntrack: source and destination of each direction. */
export interface Hop {
  readonly place: number;
  readonly original: readonly [End, End];
  readonly reply: readonly [End, End];
}

/** A socket's view. */
export interface Side {
  readonly place: number;
  readonly local: End;
  readonly remote: End;
}

/** A way. `from` and `to` are the real ends; `fromSeen` is what the server sees, `toSeen` what the client sees. */
export interface Path {
  readonly kind: string;
  readonly family: 4 | 6;
  readonly hops: readonly Hop[];
  /** Undefined when that end is elsewhere. */
  readonly client: Side | undefined;
  readonly server: Side | undefined;
  readonly from: End;
  readonly to: End;
  readonly fromSeen: End;
  readonly toSeen: End;
}

/** What a way needs to know of its connection. */
export interface PathWish {
  readonly kind: string;
  readonly family: 4 | 6;
  readonly clientPort: number;
  /** The port that a rewritten source gets. */
  readonly mappedPort: number;
}

/** Ports: of servers in pods and on the host, of services, and of what a redirect leads to. */
const SERVER = 8080;
const SERVICE = 80;
const REDIRECTED = 15_001;

/** Follows the packets of the opener. */
class Walk {
  readonly hops: Hop[] = [];
  readonly #places: readonly Place[];
  readonly #first: readonly [End, End];
  #wire: readonly [End, End];

  constructor(places: readonly Place[], source: End, destination: End) {
    this.#places = places;
    this.#first = this.#wire = [source, destination];
  }

  /** Through a namespace that may rewrite the packets. One that does not track makes no entry, and rewrites nothing. */
  through(place: number, rewrite: { readonly destination?: End; readonly source?: End } = {}): this {
    if (!this.#places[place]!.tracked) return this;
    const [source, destination] = this.#wire;
    const out: readonly [End, End] = [rewrite.source ?? source, rewrite.destination ?? destination];
    this.hops.push({ place, original: this.#wire, reply: [out[1], out[0]] });
    this.#wire = out;
    return this;
  }

  /** The way, from the client's namespace to the server's; undefined: elsewhere. */
  path(wish: PathWish, client: number | undefined, server: number | undefined): Path {
    const [from, toSeen] = this.#first;
    const [fromSeen, to] = this.#wire;
    return {
      kind: wish.kind,
      family: wish.family,
      hops: this.hops,
      client: client === undefined ? undefined : { place: client, local: from, remote: toSeen },
      server: server === undefined ? undefined : { place: server, local: to, remote: fromSeen },
      from,
      to,
      fromSeen,
      toSeen,
    };
  }
}

type Builder = (random: Random, places: readonly Place[], wish: PathWish) => Path | undefined;

const BUILDERS: Readonly<Record<string, Builder>> = {
  outgoing: (random, places, wish) =>
    new Walk(places, at(places, HOST, wish), elsewhere(random, wish, 443)).through(HOST).path(wish, HOST, undefined),
  incoming: (random, places, wish) =>
    new Walk(places, elsewhere(random, wish, wish.clientPort), end(places[HOST]!.address[wish.family], 22))
      .through(HOST)
      .path(wish, undefined, HOST),
  loopback: (random, places, wish) => {
    const place = random.below(places.length);
    const address = LOOPBACK[wish.family];
    return new Walk(places, end(address, wish.clientPort), end(address, SERVER))
      .through(place)
      .path(wish, place, place);
  },
  direct: (random, places, wish) => {
    const [client, server] = twoPods(random, places);
    if (server === undefined) return undefined;
    const walk = new Walk(places, at(places, client, wish), end(places[server]!.address[wish.family], SERVER));
    return walk.through(client).through(HOST).through(server).path(wish, client, server);
  },
  masqueraded: (random, places, wish) => {
    const client = 1 + random.below(places.length - 1);
    const source = end(places[HOST]!.address[wish.family], wish.mappedPort);
    const walk = new Walk(places, at(places, client, wish), elsewhere(random, wish, 443));
    return walk.through(client).through(HOST, { source }).path(wish, client, undefined);
  },
  service: (random, places, wish) => {
    const [client, server] = twoPods(random, places);
    if (server === undefined) return undefined;
    const walk = new Walk(places, at(places, client, wish), end(virtualAddress(server, wish.family), SERVICE));
    const destination = end(places[server]!.address[wish.family], SERVER);
    return walk.through(client).through(HOST, { destination }).through(server).path(wish, client, server);
  },
  "service-and-source": (random, places, wish) => {
    const [client, server] = twoPods(random, places);
    if (server === undefined) return undefined;
    const walk = new Walk(places, at(places, client, wish), end(virtualAddress(server, wish.family), SERVICE));
    const destination = end(places[server]!.address[wish.family], SERVER);
    const source = end(GATEWAY[wish.family], wish.mappedPort);
    return walk.through(client).through(HOST, { destination, source }).through(server).path(wish, client, server);
  },
  hairpin: (random, places, wish) => {
    const pod = 1 + random.below(places.length - 1);
    const walk = new Walk(places, at(places, pod, wish), end(virtualAddress(pod, wish.family), SERVICE));
    const destination = end(places[pod]!.address[wish.family], SERVER);
    const source = end(GATEWAY[wish.family], wish.mappedPort);
    return walk.through(pod).through(HOST, { destination, source }).through(pod).path(wish, pod, pod);
  },
  "node-port": (random, places, wish) => {
    const server = 1 + random.below(places.length - 1);
    const port = 30_000 + server;
    const walk = new Walk(
      places,
      elsewhere(random, wish, wish.clientPort),
      end(places[HOST]!.address[wish.family], port),
    );
    const destination = end(places[server]!.address[wish.family], SERVER);
    return walk.through(HOST, { destination }).through(server).path(wish, undefined, server);
  },
  "from-host": (random, places, wish) => {
    const server = 1 + random.below(places.length - 1);
    const walk = new Walk(
      places,
      end(GATEWAY[wish.family], wish.clientPort),
      end(virtualAddress(server, wish.family), SERVICE),
    );
    const destination = end(places[server]!.address[wish.family], SERVER);
    return walk.through(HOST, { destination }).through(server).path(wish, HOST, server);
  },
  redirected: (random, places, wish) => {
    const place = random.below(places.length);
    if (!places[place]!.tracked) return undefined;
    const destination = end(LOOPBACK[wish.family], REDIRECTED);
    const walk = new Walk(places, at(places, place, wish), elsewhere(random, wish, SERVICE));
    return walk.through(place, { destination }).path(wish, place, place);
  },
  transit: (random, places, wish) => {
    const [client, server] = REMOTE[wish.family];
    const source = end(places[HOST]!.address[wish.family], wish.mappedPort);
    const walk = new Walk(places, end(client!, wish.clientPort), end(server!, 443));
    return walk.through(HOST, random.chance(0.5) ? { source } : {}).path(wish, undefined, undefined);
  },
};

/** To oneself: a socket that is connected to itself (simultaneous open, RFC 9293 3.5), and a process that is its own client. */
const TO_ONESELF: Readonly<Record<string, Builder>> = {
  "own-socket": (random, places, wish) => {
    const place = random.below(places.length);
    const socket = end(LOOPBACK[wish.family], wish.clientPort);
    return new Walk(places, socket, socket).through(place).path(wish, place, place);
  },
  "own-process": (random, places, wish) => BUILDERS.loopback!(random, places, wish),
};

/** Every kind of way to others. */
export const PATH_KINDS: readonly string[] = Object.keys(BUILDERS);

/** Every kind of way to oneself. */
export const OWN_KINDS: readonly string[] = Object.keys(TO_ONESELF);

/** A way of the wished kind; undefined where these places have none. */
export function makePath(random: Random, places: readonly Place[], wish: PathWish): Path | undefined {
  return (BUILDERS[wish.kind] ?? TO_ONESELF[wish.kind])!(random, places, wish);
}

/** True for a way on which packets are rewritten. */
export function isTranslated({ from, to, fromSeen, toSeen }: Path): boolean {
  return from !== fromSeen || to !== toSeen;
}

function at(places: readonly Place[], place: number, { family, clientPort }: PathWish): End {
  return end(places[place]!.address[family], clientPort);
}

function elsewhere(random: Random, { family }: PathWish, port: number): End {
  return end(random.pick(REMOTE[family]), port);
}

/** Two different pods; the second is undefined when there is only one. */
function twoPods(random: Random, places: readonly Place[]): readonly [number, number | undefined] {
  const pods = places.length - 1;
  const first = 1 + random.below(pods);
  if (pods === 1) return [first, undefined];
  return [first, 1 + ((first - 1 + 1 + random.below(pods - 1)) % pods)];
}
