/** What a capture says of the host and of the options it was made with; for foreign captures, what is taken instead. Checked field by field: a file may say anything. */
import type { Json } from "@conntrail/capture";
import type { FlowTrackerOptions } from "@conntrail/ingest";
import { type HostFacts, protocolNumber } from "@conntrail/model";
import { ALL_COLLECTED, type Collected, collectedOf } from "../collected-sockets.ts";

/** The host of a capture that does not name it. */
export const UNKNOWN_HOST: HostFacts = {
  id: "unknown",
  name: "unknown",
  localNetworks: [],
  kernelVersion: "",
  uptimeSeconds: 0,
};

/** The host `elapsedMs` after it was recorded. Fields that this version does not know are left behind. */
export function hostAfter(host: HostFacts, elapsedMs: number): HostFacts {
  const { id, name, kernelVersion } = host;
  const scoped = networks(host.hostScopedNetworks);
  return {
    id,
    name,
    kernelVersion,
    localNetworks: networks(host.localNetworks),
    ...(scoped.length > 0 ? { hostScopedNetworks: scoped } : {}),
    uptimeSeconds: Math.floor(host.uptimeSeconds + Math.max(0, elapsedMs) / 1000),
  };
}

/** What the pipeline is to be told. */
export interface ReplayedOptions {
  readonly conntrack: boolean;
  readonly sockets: boolean;
  readonly maxFlows: number | undefined;
  readonly guessDirection: boolean;
  readonly collected: Collected;
  readonly tracker: Omit<FlowTrackerOptions, "epoch" | "hashSeed">;
}

/** For a foreign capture: everything in it, every protocol; there are no sockets. */
export const FOREIGN_OPTIONS: ReplayedOptions = {
  conntrack: true,
  sockets: false,
  maxFlows: undefined,
  guessDirection: false,
  collected: ALL_COLLECTED,
  tracker: { protocols: "all", multicast: true, aggregateUdpPorts: [] },
};

/** From the options of a recording. */
export function replayedOptions(options: { readonly [name: string]: Json }): ReplayedOptions {
  const { conntrack, sockets, maxFlows, protocols, multicast, guessDirection } = options;
  const loopback = options.loopback !== false;
  const capacity = isCapacity(maxFlows) ? maxFlows : undefined;
  const wanted = Array.isArray(protocols) ? wantedProtocols(protocols) : undefined;
  return {
    conntrack: conntrack !== false,
    sockets: sockets !== false,
    maxFlows: capacity,
    guessDirection: guessDirection === true,
    // Before it was recorded, sockets of all protocols were taken.
    collected:
      options.loopback === undefined
        ? ALL_COLLECTED
        : collectedOf({ protocols: wanted === "all" ? undefined : wanted, loopback }),
    tracker: {
      ...(capacity === undefined ? {} : { capacity }),
      ...(wanted === undefined ? {} : { protocols: wanted }),
      multicast: multicast === true,
      loopback,
    },
  };
}

/** What no host has is not believed. */
function isCapacity(value: Json | undefined): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= MAX_CAPACITY;
}

const MAX_CAPACITY = 16_777_216;

function wantedProtocols(words: readonly Json[]): readonly string[] | "all" | undefined {
  if (words.includes("all")) return "all";
  const known = words.filter((word): word is string => typeof word === "string" && protocolNumber(word) !== undefined);
  return known.length > 0 ? known : undefined;
}

function networks(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((text) => typeof text === "string" && CIDR.test(text)) : [];
}

const CIDR = /^[0-9a-fA-F:.]+\/\d{1,3}$/;
