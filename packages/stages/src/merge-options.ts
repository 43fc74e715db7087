/** What the merge can be told, and what it does when it is told nothing. */

/** Options of `merge()`. Every one has a default; durations are milliseconds. */
export interface MergeOptions {
  /** Flows that are alive at once; more are turned away and counted. As many connections may be known from sockets alone. Default 262,144. */
  readonly capacity?: number | undefined;
  /** Closed connections that are rows of one report; more are aggregated. Default 131,072. */
  readonly maxClosedPerReport?: number | undefined;
  /** Aggregated rows of one report; what does not fit is dropped and counted. Default 16,384. */
  readonly maxAggregatesPerReport?: number | undefined;
  /** How long a socket that is gone can still be joined with a flow whose events come late. Default 10,000. */
  readonly lateJoinMs?: number | undefined;
  /** False: no flows will come; health says that they are switched off. Default true. */
  readonly conntrack?: boolean | undefined;
  /** False: no socket tables will come; health says that they are switched off. Default true. */
  readonly sockets?: boolean | undefined;
  /** Where nothing else tells who opened a connection, take the end with the lower port for the server: a guess. Default false. */
  readonly portOrder?: boolean | undefined;
  /** Connections are numbered from the one after. Default 0. */
  readonly firstId?: number | undefined;
}

/** All options, filled in. */
export type MergeSettings = { readonly [K in keyof MergeOptions]-?: NonNullable<MergeOptions[K]> };

const DEFAULTS: MergeSettings = {
  capacity: 262_144,
  maxClosedPerReport: 131_072,
  maxAggregatesPerReport: 16_384,
  lateJoinMs: 10_000,
  conntrack: true,
  sockets: true,
  portOrder: false,
  firstId: 0,
};

/** Fills the defaults in. */
export function mergeSettings(options: MergeOptions): MergeSettings {
  return {
    capacity: options.capacity ?? DEFAULTS.capacity,
    maxClosedPerReport: options.maxClosedPerReport ?? DEFAULTS.maxClosedPerReport,
    maxAggregatesPerReport: options.maxAggregatesPerReport ?? DEFAULTS.maxAggregatesPerReport,
    lateJoinMs: options.lateJoinMs ?? DEFAULTS.lateJoinMs,
    conntrack: options.conntrack ?? DEFAULTS.conntrack,
    sockets: options.sockets ?? DEFAULTS.sockets,
    portOrder: options.portOrder ?? DEFAULTS.portOrder,
    firstId: options.firstId ?? DEFAULTS.firstId,
  };
}
