/** What a reporter can be told, and what it does when it is told nothing. */
import { hostname } from "node:os";
import type { SocketTable } from "@conntrail/model";
import type { Registry } from "prom-client";
import type { Observable } from "rxjs";
import { machineId } from "./machine-id.ts";
import type { RecordOptions, RecordSettings } from "./record/record-options.ts";
import type { Sink } from "./sinks/sink.ts";

/** Options of `createReporter()`. Every one has a default; durations are milliseconds, sizes bytes. */
export interface ReporterOptions {
  /** Names this host in reports and in Scope's node ids. Default: /etc/machine-id, else the host's name. */
  readonly hostId?: string;
  /** Default: the host's name. */
  readonly hostName?: string;
  /** Time between reports; 0: only when `report()` asks. Default 1,000. */
  readonly intervalMs?: number;
  /** Follow conntrack's events. Default true. */
  readonly conntrack?: boolean;
  /** Read sockets. Default true. */
  readonly sockets?: boolean;
  /** Find the process of each socket. Default true. */
  readonly processes?: boolean;
  /** Read command lines, and tell them in reports and recordings: they hold secrets. Default false. */
  readonly commandLines?: boolean;
  /** Look up names. Default true. */
  readonly names?: boolean;
  /** Which network namespaces: all that can be entered, or only the one this process is in. Default "all". */
  readonly namespaces?: "all" | "own";
  /** Transport protocols to follow, by name. Default: TCP, SCTP, and UDP with its DNS lookups aggregated by service. */
  readonly protocols?: readonly string[];
  /** Receive buffer of each event socket at start, and the most it may grow to. */
  readonly receiveBuffer?: number;
  readonly receiveBufferMax?: number;
  /** Time between dumps that look for flows whose end nobody told. */
  readonly reconcileMs?: number;
  /** Flows that may be followed at once. */
  readonly maxFlows?: number;
  /** Time between scans of the sockets; a scan also runs just before each report. Default: the report's interval, or 1,000 without one. */
  readonly scanIntervalMs?: number;
  /** Share of one core that scans may take: after an expensive one the next waits. Default 0.1. */
  readonly scanCpuShare?: number;
  /** Servers for reverse lookups, `address` or `address:port`. Default: those of /etc/resolv.conf. */
  readonly nameServers?: readonly string[];
  /** Reverse lookups a second at the most. Default 10. */
  readonly lookupsPerSecond?: number;
  /** Networks (CIDR) that mean something only on this host: their endpoints get the host's id in Scope's format. */
  readonly localNetworks?: readonly string[];
  /** Where /proc is mounted. Default "/proc". */
  readonly procRoot?: string;
  /** Socket tables from elsewhere instead of our own scan. Each table's arrays are transferred away. */
  readonly scanner?: Observable<SocketTable>;
  /** Metrics are registered here; none without it. */
  readonly metrics?: Registry;
  /** Put before every metric's name. Default "conntrail_"; "scope_probe_" gives Scope's own names. */
  readonly metricsPrefix?: string;
  /** Where reports go, beside `reports$` and iteration. */
  readonly sinks?: readonly Sink[];
  /** Records everything that the reporter takes in. When the file cannot be created, the reporter cannot start. */
  readonly record?: RecordOptions;
}

/** The part of the options that crosses into the pipeline worker: plain data, every member present or absent on purpose. */
export interface PipelineOptions {
  readonly hostId: string;
  readonly hostName: string;
  readonly intervalMs: number;
  readonly conntrack: boolean;
  readonly sockets: boolean;
  readonly processes: boolean;
  readonly commandLines: boolean;
  readonly names: boolean;
  readonly namespaces: "all" | "own";
  readonly protocols: readonly string[] | undefined;
  readonly receiveBuffer: number | undefined;
  readonly receiveBufferMax: number | undefined;
  readonly reconcileMs: number | undefined;
  readonly maxFlows: number | undefined;
  readonly scanIntervalMs: number;
  readonly scanCpuShare: number | undefined;
  readonly nameServers: readonly string[] | undefined;
  readonly lookupsPerSecond: number | undefined;
  readonly localNetworks: readonly string[];
  readonly procRoot: string;
  readonly scannerInjected: boolean;
  readonly record: RecordSettings | undefined;
}

/** Fills the defaults in and refuses what cannot work (`RangeError`). */
export function pipelineOptions(options: ReporterOptions): PipelineOptions {
  const intervalMs = options.intervalMs ?? 1000;
  if (!(intervalMs === 0 || intervalMs >= MIN_INTERVAL_MS)) {
    throw new RangeError(`intervalMs: expected 0 or at least ${MIN_INTERVAL_MS}, got ${intervalMs}`);
  }
  return {
    hostId: hostWord("hostId", options.hostId ?? machineId()),
    hostName: options.hostName ?? hostname(),
    intervalMs,
    conntrack: options.conntrack ?? true,
    sockets: options.sockets ?? true,
    processes: options.processes ?? true,
    commandLines: options.commandLines ?? false,
    names: options.names ?? true,
    namespaces: options.namespaces ?? "all",
    protocols: options.protocols,
    receiveBuffer: options.receiveBuffer,
    receiveBufferMax: options.receiveBufferMax,
    reconcileMs: options.reconcileMs,
    maxFlows: options.maxFlows,
    scanIntervalMs: atLeast("scanIntervalMs", MIN_SCAN_INTERVAL_MS, options.scanIntervalMs ?? (intervalMs || 1000)),
    scanCpuShare:
      options.scanCpuShare === undefined ? undefined : atLeast("scanCpuShare", MIN_SHARE, options.scanCpuShare),
    nameServers: options.nameServers,
    lookupsPerSecond: options.lookupsPerSecond,
    localNetworks: options.localNetworks ?? [],
    procRoot: options.procRoot ?? "/proc",
    scannerInjected: options.scanner !== undefined,
    record: options.record && recordSettings(options.record),
  };
}

/** What crosses into another thread. */
function recordSettings({ onProgress: _onProgress, ...settings }: RecordOptions): RecordSettings {
  return settings;
}

/** Closer together, scans would find the sockets of the one before. */
const MIN_SCAN_INTERVAL_MS = 10;
const MIN_SHARE = 0.001;

function atLeast(name: string, least: number, value: number): number {
  if (value >= least) return value;
  throw new RangeError(`${name}: expected at least ${least}, got ${value}`);
}

/** A report costs more than a scan of an idle host: closer together they would only chase themselves. */
const MIN_INTERVAL_MS = 50;

function hostWord(name: string, value: string): string {
  if (value === "" || value.includes(";")) {
    throw new RangeError(
      `${name}: expected a non-empty word without ";" (Scope's ids are split at it), got "${value}"`,
    );
  }
  return value;
}
