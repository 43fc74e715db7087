/** Makes the lives of a tuple, one after the other, with their entries, sockets and processes. */
import { CT_STATUS, PROTOCOL, SOCKET_STATE } from "@conntrail/model";
import type { Climate } from "./history.ts";
import type { Entry, EntryEvent, Life, Outcome, SocketLife, SocketStep } from "./lives.ts";
import { type Hop, isTranslated, OWN_KINDS, type Path, type Side } from "./paths.ts";
import type { Place } from "./places.ts";
import type { Holding, Process, ProcessTable } from "./processes.ts";
import type { Random } from "./random.ts";
import { clientSteps, deletedEntry, type Moments, selfEntry, serverSteps, tcpEntry, udpEntry } from "./timeline.ts";

/** What lives of one tuple have in common. */
export interface Group {
  readonly path: Path;
  readonly group: number;
  readonly lengthMs: number;
  /** Decides what is odd about them. */
  readonly odd: Random;
}

const MOST_LIVES = 4;
const OUTCOMES: readonly Outcome[] = ["ok", "ok", "ok", "ok", "ok", "ok", "reset", "reset", "refused", "unanswered"];

/** Makes lives. */
export class LifeMaker {
  readonly #places: readonly Place[];
  readonly #processes: ProcessTable;
  readonly #listeners: readonly SocketLife[];
  readonly #climate: Climate;

  constructor(places: readonly Place[], processes: ProcessTable, listeners: readonly SocketLife[], climate: Climate) {
    this.#places = places;
    this.#processes = processes;
    this.#listeners = listeners;
    this.#climate = climate;
  }

  /** The lives of one tuple, in their order. */
  livesOf(random: Random, group: Group): Life[] {
    const { path, lengthMs } = group;
    const isDatagram = random.chance(0.15) && !OWN_KINDS.includes(path.kind);
    const protocol = isDatagram ? PROTOCOL.udp : PROTOCOL.tcp;
    const range = this.#range(path, lengthMs);
    const lives: Life[] = [];
    const count = random.chance(this.#climate.reuse) ? 2 + random.below(MOST_LIVES - 1) : 1;
    let fromMs = random.chance(0.15) ? -random.magnitude(1, 1e8) : random.between(0, lengthMs * 0.8);
    fromMs = Math.max(fromMs, range.fromMs);
    for (let i = 0; i < count && fromMs < range.toMs; i++) {
      const before = lives.at(-1);
      const life = this.#life(random, group, protocol, fromMs, range.toMs, before);
      lives.push(life);
      fromMs = life.endMs + random.magnitude(this.#climate.reuseMs, 800);
      if (life.outcome === "unanswered" || protocol === PROTOCOL.udp) fromMs += 1;
    }
    this.#endEntries(lives);
    return lives;
  }

  /** Between the coming and the going of the namespaces on the way. */
  #range({ client, server, hops }: Path, lengthMs: number): { fromMs: number; toMs: number } {
    const all = [client, server, ...hops].filter((each) => each !== undefined).map(({ place }) => this.#places[place]!);
    return {
      fromMs: Math.max(...all.map(({ createdMs }) => createdMs + 1)),
      toMs: Math.min(lengthMs, ...all.map(({ goneMs }) => goneMs - 5)),
    };
  }

  #life(
    random: Random,
    { path, group, lengthMs, odd }: Group,
    protocol: number,
    beginMs: number,
    toMs: number,
    before: Life | undefined,
  ): Life {
    const udp = protocol === PROTOCOL.udp;
    const usual = udp ? (random.chance(0.8) ? "ok" : "unanswered") : random.pick(OUTCOMES);
    const toItself = path.kind === "own-socket";
    const outcome = toItself || (!udp && usual === "ok" && odd.chance(this.#climate.abrupt)) ? "abrupt" : usual;
    const roundTripMs = random.chance(0.8) ? random.magnitude(0.02, 0.3) : random.magnitude(0.3, 60);
    const ordinary = this.#moments(random, { outcome, roundTripMs, beginMs, toMs, lengthMs, udp });
    const moments =
      outcome === "abrupt" ? abruptly(odd, ordinary, toMs < lengthMs ? toMs : Number.POSITIVE_INFINITY) : ordinary;
    const number = group * MOST_LIVES + (before === undefined ? 0 : ((before.number - 1) % MOST_LIVES) + 1) + 1;
    const deletable = !isTranslated(path) && !udp && outcome === "ok" && moments.finMs - beginMs > 50;
    const deleted = deletable && random.chance(this.#climate.deleted);
    const life: Life = {
      number,
      group,
      protocol,
      path,
      outcome,
      beginMs,
      endMs: moments.endMs,
      socketsEndMs: outcome === "abrupt" ? moments.finMs : moments.endMs,
      entries: [],
      client: undefined,
      server: undefined,
      deleted,
      before,
    };
    const sameId = before !== undefined && random.chance(0.2);
    const deletion = {
      hop: random.below(path.hops.length + 1),
      at: random.between(0.2, 0.6),
      turned: random.chance(0.5),
    };
    path.hops.forEach((hop, i) => {
      const ofHop = udp ? udpEntry(moments, i, natBits(hop)) : tcpEntry(moments, i, natBits(hop));
      const events = toItself ? selfEntry(moments) : ofHop;
      const id = sameId ? before.entries[i]!.id : 1 + number * 16 + i;
      const entry = { life, hop: i, place: hop.place, id, original: hop.original, reply: hop.reply, events };
      if (!deleted || (deletion.hop !== i && deletion.hop !== path.hops.length)) life.entries.push(entry);
      else life.entries.push(...this.#deleted(entry, moments, deletion));
    });
    const holders = this.#clientHolders(random, path, moments);
    if (path.client !== undefined) {
      const course = udp ? udpSteps(moments) : clientSteps(moments);
      life.client = this.#socket(life, path.client, course, holders, 0);
    }
    const answered = outcome === "ok" || outcome === "reset" || outcome === "abrupt";
    if (toItself) life.server = life.client;
    else if (path.server !== undefined && !udp && answered) {
      const course = serverSteps(moments);
      life.server = this.#socket(life, path.server, course, this.#serverHolders(random, path.server, course.steps), 1);
    }
    return life;
  }

  #moments(
    random: Random,
    life: { outcome: Outcome; roundTripMs: number; beginMs: number; toMs: number; lengthMs: number; udp: boolean },
  ): Moments {
    const { outcome, roundTripMs, beginMs, toMs, lengthMs, udp } = life;
    const lasts = outcome === "refused" ? roundTripMs * 0.6 : roundTripMs * 1.5 + random.magnitude(0.05, 2 * lengthMs);
    const least = udp || outcome === "unanswered" ? roundTripMs + random.between(30, 3_000) : 0;
    // One that began long before the history lasts into it, unless it was refused; one that would outlive its namespaces ends with them.
    const sinceMs = beginMs < 0 ? random.between(1, lengthMs) : beginMs;
    const wantedMs = (outcome === "refused" ? beginMs : sinceMs) + Math.max(lasts, least);
    const endMs = wantedMs >= toMs && toMs < lengthMs ? Math.max(beginMs + roundTripMs * 1.2, toMs) : wantedMs;
    const halfClosed = random.chance(0.2) ? random.next() : 1;
    const readyMs = beginMs + roundTripMs * 1.1;
    const finMs = Math.max(readyMs, endMs - Math.max(0, endMs - readyMs) * (1 - halfClosed) - roundTripMs * 0.8);
    return {
      beginMs,
      roundTripMs,
      finMs: Math.min(finMs, endMs),
      endMs,
      keptMs: outcome === "refused" || outcome === "reset" ? 10_000 : random.chance(0.3) ? 1_000 : 120_000,
      closer: random.chance(0.5) ? "client" : "server",
      acceptMs: random.magnitude(0.01, random.chance(0.2) ? 200 : 1),
      outcome,
    };
  }

  #deleted(entry: Entry, { beginMs, finMs, roundTripMs }: Moments, how: { at: number; turned: boolean }): Entry[] {
    const readyMs = beginMs + roundTripMs;
    const deletedMs = readyMs + 0.5 + (finMs - readyMs) * how.at;
    const againMs = deletedMs + (finMs - deletedMs) * how.at;
    const [first, second] = deletedEntry(entry.events, deletedMs, againMs);
    const again = { ...entry, id: entry.id + 8, events: second };
    const turned = { ...again, original: entry.reply, reply: entry.original };
    return [{ ...entry, events: first }, how.turned ? turned : again];
  }

  /** A SYN on an entry that is over takes its place: DESTROY, then NEW. */
  #endEntries(lives: readonly Life[]): void {
    for (const [i, life] of lives.entries()) {
      const next = lives[i + 1];
      if (next === undefined) continue;
      for (const [k, entry] of life.entries.entries()) {
        const nextMs = next.entries.find(({ hop }) => hop === entry.hop)!.events[0]!.atMs - 0.002;
        const last = entry.events.at(-1)!;
        if (last.atMs < nextMs) continue;
        const events: EntryEvent[] = [...entry.events.slice(0, -1), { ...last, atMs: nextMs }];
        life.entries[k] = { ...entry, events };
      }
    }
  }

  #socket(
    life: Life,
    side: Side,
    course: { steps: SocketStep[]; endMs: number },
    holders: readonly Holding[],
    which: number,
  ): SocketLife {
    // Cookies are never used again. Nor are inodes before there were four billion of them; where there are cookies, nothing may rest on that.
    const number = 10_000 + life.number * 2 + which;
    const before = which === 0 ? life.before?.client : life.before?.server;
    const inode =
      !this.#places[side.place]!.cookieless && before !== undefined && life.number % 3 === 0 ? before.inode : number;
    return { ...side, protocol: life.protocol, inode, cookie: number, ...course, holders, life };
  }

  /** A program that lives for its connection or longer; its descriptor may be inherited by a child, or handed on to another process. */
  #clientHolders(
    random: Random,
    { client, server, kind }: Path,
    { beginMs, endMs, finMs, outcome }: Moments,
  ): Holding[] {
    if (client === undefined) return [];
    if (kind === "own-process") {
      return [{ process: this.#masterOf(server!), fromMs: beginMs - 0.01, toMs: Number.POSITIVE_INFINITY }];
    }
    const short = random.chance(0.5);
    const bornMs = beginMs - (short ? random.magnitude(1, 50) : random.magnitude(50, 1e6));
    const overMs = outcome === "abrupt" ? finMs : endMs;
    const diesMs = short ? overMs + random.magnitude(0.05, 100) : Number.POSITIVE_INFINITY;
    const process = this.#processes.make("client", bornMs, diesMs);
    const holding = { process, fromMs: beginMs - 0.01, toMs: diesMs };
    if (!random.chance(this.#climate.handed) || overMs - beginMs < 5) return [holding];
    const atMs = random.between(beginMs, overMs);
    const other = this.#processes.make(random.chance(0.5) ? "child" : "heir", atMs - 0.5, diesMs);
    const handed = { process: other, fromMs: atMs, toMs: diesMs };
    return random.chance(0.5) ? [holding, handed] : [{ ...holding, toMs: atMs + 0.2 }, handed];
  }

  /** The server itself, or a worker that it forks: for a moment both have the socket. */
  #serverHolders(random: Random, side: Side, steps: readonly SocketStep[]): Holding[] {
    const master = this.#masterOf(side);
    const heldMs = steps.find(({ held }) => held)?.atMs ?? 0;
    const forever = Number.POSITIVE_INFINITY;
    if (!random.chance(this.#climate.handed)) return [{ process: master, fromMs: heldMs, toMs: forever }];
    const worker = this.#processes.make("worker", heldMs + 0.01, forever);
    const letGoMs = heldMs + random.magnitude(0.05, 20);
    return [
      { process: master, fromMs: heldMs, toMs: letGoMs },
      { process: worker, fromMs: heldMs + 0.01, toMs: forever },
    ];
  }

  #masterOf({ place, local }: Side): Process {
    const listener = this.#listeners.find(
      (each) => each.place === place && (each.local & 0xffff) === (local & 0xffff),
    )!;
    return listener.holders[0]!.process;
  }
}

/** The sockets go when the connection would have ended; the entries stay, though no longer than their namespaces. */
function abruptly(odd: Random, moments: Moments, toMs: number): Moments {
  const finMs = moments.endMs;
  return { ...moments, finMs, endMs: Math.max(finMs, Math.min(toMs, finMs + odd.magnitude(100, 20_000))) };
}

/** A connected UDP socket. */
function udpSteps({ beginMs, endMs }: Moments): { steps: SocketStep[]; endMs: number } {
  const closeMs = beginMs + (endMs - beginMs) * 0.9;
  return { steps: [{ atMs: beginMs - 0.01, state: SOCKET_STATE.established, held: true }], endMs: closeMs };
}

function natBits({ original, reply }: Hop): number {
  const source = original[0] === reply[1] ? 0 : CT_STATUS.srcNat;
  return source | (original[1] === reply[0] ? 0 : CT_STATUS.dstNat);
}
