/** What crosses between the host thread and the pipeline worker. */
import type { SnapshotHealth, SocketTable } from "@conntrail/model";
import type { ConnectionJson, PackedReport } from "@conntrail/report";
import type { ChangesMessage } from "./changes/pack-changes.ts";
import type { Explanation } from "./explain/explanation.ts";
import type { PipelineOptions } from "./options/pipeline-options.ts";
import type { RecordProgress } from "./record/record-options.ts";
import type { SinkEncoding } from "./sinks/sink.ts";

/** The pipeline worker's start data. */
export interface PipelineStart {
  readonly options: PipelineOptions;
  /** Encodings that sinks asked for; a report's bytes come in the same order. */
  readonly encodings: readonly SinkEncoding[];
  /** Number of the first report: a restarted worker goes on counting. */
  readonly firstSequence: number;
  /** Connections are numbered from here: those of a restarted worker are others. */
  readonly firstId: number;
  /** The last health that was reported: a restarted worker counts on. */
  readonly counted?: SnapshotHealth | undefined;
}

/** Host to worker. */
export type PipelineCommand =
  | { readonly kind: "report"; readonly request: number } // a report now, beside the regular ones
  | { readonly kind: "listen"; readonly want: "all" | "off" } // all connections and then what changes, or nothing of the kind
  | { readonly kind: "taken" } // the oldest message of changes that was under way
  | { readonly kind: "explain"; readonly request: number; readonly connection: ConnectionJson } // why a row says what it says
  | { readonly kind: "sockets"; readonly table: SocketTable }; // from an injected scanner

/** Worker to host. */
export type PipelineMessage =
  | ReadyMessage
  | ReportMessage
  | ChangesMessage
  | ExplainedMessage
  | RecordingMessage
  | RestartMessage;

/** Every source that is on has been heard: the first dump of conntrack is in, or what prevents it is known, and sockets were scanned once. */
interface ReadyMessage {
  readonly kind: "ready";
}

/** One report, its buffers transferred. */
export interface ReportMessage {
  readonly kind: "report";
  readonly packed: PackedReport;
  readonly encoded: readonly Uint8Array[];
  /** Time it took to build, seconds, encodings included. */
  readonly buildSeconds: number;
  /** Requests that this report answers. */
  readonly requests: readonly number[];
}

/** Why a row says what it says. */
interface ExplainedMessage {
  readonly kind: "explained";
  readonly request: number;
  readonly explanation: Explanation;
}

/** How the recording stands: with every report, and at its end. */
interface RecordingMessage {
  readonly kind: "recording";
  readonly progress: RecordProgress;
}

/** A worker inside the pipeline died and is started anew. */
interface RestartMessage {
  readonly kind: "restart";
  readonly part: WorkerPart;
  readonly error: string;
}

/** The parts that restart on their own. */
export type WorkerPart = "ingest" | "scan" | "pipeline";
