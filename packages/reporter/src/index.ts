/** What an agent embeds, in reading order: the reporter, its options, the sinks. The pipeline itself is `@conntrail/reporter/pipeline`: an agent's own thread has no use for its stages. */
export type { Change, ChangedMember, ConnectionChange, GoneChange, PresentChange } from "./changes/change.ts";
export { createReporter, type Reporter } from "./create-reporter.ts";
export { type AskedEnd, parseAskedEnd } from "./explain/asked-ends.ts";
export { type Explained, type ExplainOptions, explainRecording } from "./explain/explain-recording.ts";
export type { Blank, Claim, Explanation, Fact, FactSource, Verdict } from "./explain/explanation.ts";
export type { Logger } from "./logger.ts";
export type { InstrumentOptions, MeterLike, ObservableLike, ObserveLike } from "./metrics/meter-face.ts";
export { type LimitedOption, OPTION_LIMITS, type OptionLimit } from "./options/limits.ts";
export { isOptionError, type OptionError } from "./options/option-error.ts";
export type { ReporterOptions } from "./options/reporter-options.ts";
export type { RecordOptions, RecordProgress } from "./record/record-options.ts";
export { replay, replayReports } from "./replay/replay.ts";
export type { ReplayOptions, ReplaySummary, ReplayTime } from "./replay/replay-options.ts";
export type { ReporterState } from "./reporter-state.ts";
export { ndjson } from "./sinks/ndjson.ts";
export { observer, type ReportObserver } from "./sinks/observer.ts";
export { type ScopeAppOptions, scopeApp } from "./sinks/scope-app.ts";
export type { Delivery, ReportFormat, Sink, SinkEncoding } from "./sinks/sink.ts";
