/** The network namespaces of a history: a host that routes, and pods behind it that may come and go. What lies outside is no place: only its packets are seen. */
import { ADDRESSES, end } from "./addresses.ts";
import type { Random } from "./random.ts";

/** One namespace. Times are milliseconds since the beginning of the history; before 0: it was there first. */
export interface Place {
  readonly index: number;
  readonly name: string;
  /** Its inode. */
  readonly netns: number;
  /** By family: what it is called from outside. */
  readonly address: Readonly<Record<4 | 6, string>>;
  /** All of its addresses. */
  readonly words: Uint32Array;
  /** Whether a rule makes conntrack work there. */
  readonly tracked: boolean;
  /** Whether its sockets can only be read from /proc: no cookies. */
  readonly cookieless: boolean;
  readonly createdMs: number;
  readonly goneMs: number;
}

export const HOST = 0;
const MOST_PODS = 4;
const FIRST_NETNS = 4_026_531_840;

/** Addresses of machines elsewhere, and of services, by family. */
export const REMOTE: Readonly<Record<4 | 6, readonly string[]>> = {
  4: ["192.0.2.1", "192.0.2.2", "192.0.2.3"],
  6: ["2001:db8::301", "2001:db8::302", "2001:db8::303"],
};

/** The virtual address in front of a pod. */
export function virtualAddress(place: number, family: 4 | 6): string {
  return family === 4 ? `10.96.0.${place + 1}` : `fd96::40${place + 1}`;
}

/** The host's address towards the pods. */
export const GATEWAY: Readonly<Record<4 | 6, string>> = { 4: "10.1.0.1", 6: "fd01::201" };
export const LOOPBACK: Readonly<Record<4 | 6, string>> = { 4: "127.0.0.1", 6: "::1" };

/** What may be asked of the namespaces of a history. */
export interface PlacesWish {
  /** How likely a pod tracks. */
  readonly tracked: number;
  readonly cookieless: number;
  /** How likely a pod comes or goes within `lengthMs`. */
  readonly moving: number;
  readonly lengthMs: number;
}

/** The host and one to four pods. */
export function makePlaces(random: Random, wish: PlacesWish): Place[] {
  const pods = 1 + random.below(MOST_PODS);
  return Array.from({ length: 1 + pods }, (_, index) => {
    const pod = index > 0;
    const moves = pod && random.chance(wish.moving);
    const createdMs = moves && random.chance(0.5) ? random.between(0, wish.lengthMs / 2) : -1e9;
    const goes = moves && (createdMs < 0 || random.chance(0.5));
    return {
      index,
      name: pod ? `pod${index}` : "host",
      netns: FIRST_NETNS + index * 7,
      address: pod ? podAddress(index) : { 4: "10.0.0.1", 6: "fd00::101" },
      words: wordsOf(pod ? Object.values(podAddress(index)) : ["10.0.0.1", "fd00::101", ...Object.values(GATEWAY)]),
      tracked: !pod || random.chance(wish.tracked),
      cookieless: random.chance(wish.cookieless),
      createdMs,
      goneMs: goes ? random.between(Math.max(createdMs, wish.lengthMs / 2), wish.lengthMs) : Number.POSITIVE_INFINITY,
    };
  });
}

function podAddress(index: number): Record<4 | 6, string> {
  return { 4: `10.1.0.${index + 1}`, 6: `fd01::20${index + 1}` };
}

function wordsOf(addresses: readonly string[]): Uint32Array {
  return Uint32Array.from(
    [...Object.values(LOOPBACK), ...addresses].flatMap((text) => [...ADDRESSES[end(text, 0) >>> 16]!.words]),
  );
}
