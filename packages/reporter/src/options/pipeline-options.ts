/** The options with nothing left open, as the pipeline worker gets them. */
import { hostname } from "node:os";
import type { NamespaceChoice } from "@conntrail/procfs";
import { machineId } from "../machine-id.ts";
import type { RecordOptions, RecordSettings } from "../record/record-options.ts";
import { OPTION_LIMITS } from "./limits.ts";
import { checkReporterOptions } from "./reporter-checks.ts";
import type { ReporterOptions } from "./reporter-options.ts";

/** The part of the options that crosses into the pipeline worker: plain data, every member present or absent on purpose. */
export interface PipelineOptions {
  readonly filter: string | undefined;
  readonly limit: number | undefined;
  readonly select: readonly string[] | undefined;
  readonly hostId: string;
  readonly hostName: string;
  readonly intervalMs: number;
  readonly conntrack: boolean;
  readonly sockets: boolean;
  readonly processes: boolean;
  readonly commandLines: boolean;
  readonly trace: boolean;
  readonly traceRing: number | undefined;
  /** Paths of sockets; undefined: the usual ones. */
  readonly containerApis: readonly string[] | undefined;
  readonly names: boolean;
  readonly namespaces: NamespaceChoice;
  readonly protocols: readonly string[] | undefined;
  readonly multicast: boolean;
  readonly loopback: boolean;
  readonly guessDirection: boolean;
  readonly receiveBuffer: number | undefined;
  readonly receiveBufferMax: number | undefined;
  readonly reconcileMs: number | undefined;
  readonly maxFlows: number | undefined;
  readonly scanIntervalMs: number;
  readonly scanCpuShare: number | undefined;
  readonly scanThreads: number | undefined;
  readonly explainBuffer: number;
  readonly nameServers: readonly string[] | undefined;
  readonly lookupsPerSecond: number | undefined;
  readonly localNetworks: readonly string[];
  readonly procRoot: string;
  readonly scannerInjected: boolean;
  readonly record: RecordSettings | undefined;
}

/** Checks the options and fills the defaults in. Throws an OptionError (a TypeError or RangeError) for what does not exist or cannot be meant. */
export function pipelineOptions(options: ReporterOptions): PipelineOptions {
  checkReporterOptions(options);
  const intervalMs = options.intervalMs ?? OPTION_LIMITS.intervalMs.preset;
  return {
    filter: options.filter,
    limit: options.limit,
    select: options.select,
    hostId: options.hostId ?? machineId(),
    hostName: options.hostName ?? hostname(),
    intervalMs,
    conntrack: options.conntrack ?? true,
    sockets: options.sockets ?? true,
    processes: options.processes ?? true,
    commandLines: options.commandLines ?? false,
    // Without processes nobody would look at what it tells.
    trace: (options.trace ?? true) && (options.processes ?? true),
    traceRing: options.traceRing,
    containerApis: containerApis(options),
    names: options.names ?? true,
    namespaces: options.namespaces ?? "all",
    protocols: options.protocols,
    multicast: options.multicast ?? false,
    loopback: options.loopback ?? true,
    guessDirection: options.guessDirection ?? false,
    receiveBuffer: options.receiveBuffer,
    receiveBufferMax: options.receiveBufferMax,
    reconcileMs: options.reconcileMs,
    maxFlows: options.maxFlows,
    scanIntervalMs: options.scanIntervalMs ?? (intervalMs || OPTION_LIMITS.scanIntervalMs.preset),
    scanCpuShare: options.scanCpuShare,
    scanThreads: options.scanThreads,
    explainBuffer: options.explainBuffer ?? OPTION_LIMITS.explainBuffer.preset,
    nameServers: options.nameServers,
    lookupsPerSecond: options.lookupsPerSecond,
    localNetworks: options.localNetworks ?? [],
    procRoot: options.procRoot ?? "/proc",
    scannerInjected: options.scanner !== undefined,
    record: options.record && recordSettings(options.record),
  };
}

/** Without processes there is nobody in a container. */
function containerApis({ containerApi, processes }: ReporterOptions): readonly string[] | undefined {
  if (containerApi === false || processes === false) return [];
  return containerApi === undefined ? undefined : [containerApi.slice("unix://".length)];
}

/** What crosses into another thread. */
function recordSettings({ onProgress: _onProgress, ...settings }: RecordOptions): RecordSettings {
  return settings;
}
