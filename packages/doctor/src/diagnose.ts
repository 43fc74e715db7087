/** A diagnosis: every check, each made by trying what the reporter will do. */
import { hostname, release } from "node:os";
import type { NamespaceChoice } from "@conntrail/procfs";
import { checkCapabilities, grant, type Wanted } from "./capabilities.ts";
import type { Check } from "./check.ts";
import { checkContainerEngine } from "./container-engine.ts";
import { checkNames } from "./name-servers.ts";
import { checkNamespaces } from "./namespaces.ts";
import { checkProcesses } from "./processes.ts";
import { checkSockets } from "./sockets.ts";
import { lookAround } from "./surroundings.ts";
import { checkTracing } from "./tracing.ts";
import { checkTracking } from "./tracking.ts";

/** What is asked for, as in the options of a reporter. */
export interface DoctorOptions {
  readonly conntrack?: boolean;
  readonly sockets?: boolean;
  readonly processes?: boolean;
  readonly trace?: boolean;
  readonly names?: boolean;
  readonly namespaces?: NamespaceChoice;
  readonly nameServers?: readonly string[];
  /** Where the Docker-compatible API listens, `unix:///…`; false: nobody is asked. Default: the usual places. */
  readonly containerApi?: string | false;
  /** Bytes. Default 128 MiB. */
  readonly receiveBuffer?: number;
  /** Default "/proc". */
  readonly procRoot?: string;
  /** The command line that is to be run with more rights where some are missing. Default: that of this process. */
  readonly command?: readonly string[];
}

/** What was found. */
export interface Diagnosis {
  readonly schema: "conntrail.doctor/1";
  readonly host: string;
  readonly kernel: string;
  /** Our network namespace: inode, and name where it has one. */
  readonly netns: number | null;
  readonly netnsName: string | null;
  /** Nothing that was asked for is known not to work. */
  readonly works: boolean;
  readonly checks: readonly Check[];
}

const DEFAULT_RECEIVE_BUFFER = 128 << 20;

/** Looks at everything, in the network namespace of this process; takes a second or two. Changes nothing; a datagram to ourselves is sent. */
export async function diagnose(options: DoctorOptions = {}): Promise<Diagnosis> {
  const { conntrack = true, sockets = true, names = true, nameServers, procRoot = "/proc" } = options;
  const processes = sockets && (options.processes ?? true);
  const trace = (options.trace ?? true) && (options.processes ?? true);
  const namespaces = (options.namespaces ?? "all") !== "own";
  const wanted: Wanted = { conntrack, processes, trace, namespaces };
  const around = lookAround(procRoot, options.command ?? [process.execPath, ...process.argv.slice(1)]);
  const granted = grant(around, wanted);
  const checks = [
    ...checkCapabilities(around, wanted),
    ...(await checkTracking(around, conntrack, options.receiveBuffer ?? DEFAULT_RECEIVE_BUFFER)),
    checkSockets(sockets),
    ...checkProcesses(around, processes, granted),
    ...checkTracing(around, trace, granted),
    checkNamespaces(around, namespaces, granted),
    await checkNames(names, nameServers),
    await checkContainerEngine(processes ? options.containerApi : false),
  ];
  return {
    schema: "conntrail.doctor/1",
    host: hostname(),
    kernel: release(),
    netns: around.netns ?? null,
    netnsName: around.name ?? null,
    works: checks.every(({ state }) => state !== "missing"),
    checks,
  };
}
