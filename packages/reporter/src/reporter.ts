/** A reporter as the program that embeds it has it. */
import type { Connection, ConnectionJson, Report } from "@conntrail/report";
import type { Observable } from "rxjs";
import type { Change } from "./changes/change.ts";
import type { Explanation } from "./explain/explanation.ts";
import type { ReporterState } from "./reporter-state.ts";

/** A running reporter. It keeps the process alive until it is closed. */
export interface Reporter extends AsyncIterable<Report>, AsyncDisposable {
  /** The name Scope gave to it. */
  readonly name: "Endpoint";
  /** How the reporter stands: the present state on subscription, then each change; completes after `closed`. */
  readonly state$: Observable<ReporterState>;
  /** The present state. */
  readonly state: ReporterState;
  /**
   * Every report, from the time of subscription on; shared by all subscribers. Completes after `close()`; errors only when
   * the pipeline cannot be started at all. A slow subscriber holds the host thread up: hand work on.
   */
  readonly reports$: Observable<Report>;
  /**
   * What changes, from the time of subscription on: first all connections that live, then each that is opened, becomes known otherwise, or ends, in order and once, some
   * 20 ms after it was heard of. Costs what changes, not what exists, and nothing while nobody subscribes. Completes and errors as `reports$` does.
   */
  readonly changes$: Observable<Change>;
  /** The same for `for await`. A reader that falls 65,536 changes behind is told how many it lost, and begins anew. */
  changes(): AsyncGenerator<Change, void, undefined>;
  /**
   * Resolves when every source has been heard once: conntrack's first dump is in, or what prevents it is known, and the sockets
   * were scanned. Earlier reports say `starting`. Also resolves when the reporter is closed before; rejects when the pipeline
   * cannot be started at all.
   */
  readonly ready: Promise<void>;
  /** A report now. It is also the next one on `reports$`: a closed connection is in exactly one report of the sequence. */
  report(): Promise<Report>;
  /**
   * Why a connection's row says what it says: the facts that made it, in order of arrival, as far as `explainBuffer` still holds them, and what was looked for where it says nothing.
   * A connection as a report or a change told it, ended ones too; or the number (`id`) of one that lives: undefined when none does.
   */
  explain(connection: number | Connection | ConnectionJson): Promise<Explanation | undefined>;
  /** Sends a last report, ends all threads, sockets and timers, and completes `reports$`. Idempotent; takes two seconds at the most. */
  close(): Promise<void>;
}
