/** The check of each option of `createReporter()`. */
import { isAbsolute } from "node:path";
import { protocolNumber } from "@conntrail/model";
import { parseDnsServer } from "@conntrail/names";
import { compileFilter, isQueryError } from "@conntrail/query";
import { CONNECTION_MEMBERS } from "@conntrail/report";
import { closest } from "fastest-levenshtein";
import ipaddr from "ipaddr.js";
import type { RecordOptions } from "../record/record-options.ts";
import type { Sink, SinkEncoding } from "../sinks/sink.ts";
import { REPORT_FORMATS } from "../sinks/sink.ts";
import { OPTION_LIMITS, RECORD_LIMITS, SCAN_THREADS } from "./limits.ts";
import {
  amount,
  callback,
  checkOptions,
  either,
  flag,
  havingMethods,
  listOf,
  milliseconds,
  type OptionCheck,
  type OptionChecks,
  objectOf,
  oneOf,
  text,
  whole,
} from "./option-check.ts";
import { outOfRange, wrongType } from "./option-error.ts";
import type { ReporterOptions } from "./reporter-options.ts";

const RECORD: OptionChecks<RecordOptions> = {
  path: text("a path"),
  compress: flag,
  rotateBytes: whole(RECORD_LIMITS.rotateBytes, "bytes"),
  rotateMs: milliseconds(RECORD_LIMITS.rotateMs),
  onProgress: callback,
};

const ENCODING: OptionChecks<SinkEncoding> = { format: oneOf(REPORT_FORMATS), gzip: flag };

const sink: OptionCheck = (name, value) => {
  havingMethods("a sink: an object with name, encoding and deliver()", "deliver")(name, value);
  const { encoding, name: called } = value as Partial<Sink>;
  text("a name")(`${name}.name`, called ?? "");
  if (encoding !== null) checkOptions(ENCODING, encoding, `${name}.encoding.`);
};

/** Scope's ids are split at semicolons. */
const hostId = text('a word without ";"', (value) => value !== "" && !value.includes(";"));

const protocol = text(
  'the name or number of a protocol, such as "tcp", "udp" or "132", or "all"',
  (value) => value === "all" || protocolNumber(value) !== undefined,
);

const NAMESPACES = '"all", "own", or a list of network namespaces';

/** In a list, by name as ip-netns(8) gives it, or by inode. */
const namespace = either('the name or inode of a network namespace, or "own"', {
  string: text('the name of a network namespace, or "own"', (name) => name !== "all" && /^[^/]+$/.test(name)),
  number: whole({ least: 1, most: 2 ** 32 - 1 }),
});

const namespaceChoice: OptionCheck = (name, value) => {
  if (!Array.isArray(value)) {
    if (typeof value !== "string") throw wrongType(name, NAMESPACES, value);
    if (value !== "all" && value !== "own") throw outOfRange(name, NAMESPACES, value);
    return;
  }
  if (value.length === 0) throw outOfRange(name, NAMESPACES, value);
  listOf(NAMESPACES, namespace)(name, value);
};

const nameServer = text(
  "an address such as 10.0.0.2, 10.0.0.2:53 or [fd00::2]:53",
  (value) => parseDnsServer(value) !== undefined,
);

const filter: OptionCheck = (name, value) => {
  if (typeof value !== "string") throw wrongType(name, FILTER, value);
  try {
    compileFilter(value);
  } catch (error) {
    throw isQueryError(error) ? outOfRange(name, `${FILTER} (${error.message})`, value) : error;
  }
};

const member: OptionCheck = (name, value) => {
  const near = typeof value === "string" ? closest(value, CONNECTION_MEMBERS) : "from.process";
  const expected = `a member of a connection's JSON, such as "${near}"`;
  if (typeof value !== "string") throw wrongType(name, expected, value);
  if (!CONNECTION_MEMBERS.some((each) => each === value)) throw outOfRange(name, expected, value);
};

const FILTER = "an expression over a connection's members";

const CHECKS: OptionChecks<ReporterOptions> = {
  filter,
  limit: whole(OPTION_LIMITS.limit),
  select: listOf("a list of members of connections", member),
  hostId,
  hostName: text("a name"),
  intervalMs: milliseconds(OPTION_LIMITS.intervalMs, true),
  conntrack: flag,
  sockets: flag,
  processes: flag,
  commandLines: flag,
  trace: flag,
  traceRing: whole(OPTION_LIMITS.traceRing, "bytes"),
  explainBuffer: whole(OPTION_LIMITS.explainBuffer, "bytes"),
  containerApi: (name, value) => {
    if (value !== false)
      text("unix:// and an absolute path, or false", (said) => /^unix:\/\/\//.test(said))(name, value);
  },
  names: flag,
  namespaces: namespaceChoice,
  protocols: listOf("a list of protocols", protocol),
  multicast: flag,
  loopback: flag,
  guessDirection: flag,
  receiveBuffer: whole(OPTION_LIMITS.receiveBuffer, "bytes"),
  receiveBufferMax: whole(OPTION_LIMITS.receiveBufferMax, "bytes"),
  reconcileMs: milliseconds(OPTION_LIMITS.reconcileMs),
  maxFlows: whole(OPTION_LIMITS.maxFlows),
  scanIntervalMs: milliseconds(OPTION_LIMITS.scanIntervalMs),
  scanCpuShare: amount(OPTION_LIMITS.scanCpuShare),
  scanThreads: whole(SCAN_THREADS),
  nameServers: listOf("a list of name servers", nameServer),
  lookupsPerSecond: whole(OPTION_LIMITS.lookupsPerSecond),
  localNetworks: listOf(
    "a list of networks",
    text("a network such as 10.0.0.0/8", (value) => ipaddr.isValidCIDR(value)),
  ),
  procRoot: text("an absolute path", isAbsolute),
  nice: whole(OPTION_LIMITS.nice),
  maxRestarts: whole(OPTION_LIMITS.maxRestarts),
  signal: havingMethods("an AbortSignal", "addEventListener", "throwIfAborted"),
  logger: havingMethods("a logger with info, warn and error, such as pino's", "info", "warn", "error"),
  scanner: havingMethods("an Observable of socket tables", "subscribe"),
  metrics: havingMethods("a Registry of prom-client", "registerMetric", "removeSingleMetric"),
  meter: havingMethods("a Meter of @opentelemetry/api", "createObservableCounter", "createObservableGauge"),
  metricsPrefix: text("a metric name's beginning: letters, digits, _ and :", (value) =>
    /^[a-zA-Z_:][\w:]*$/.test(value),
  ),
  sinks: listOf("a list of sinks", sink),
  record: objectOf(RECORD),
};

/** Throws an OptionError for the first option that does not exist or cannot be meant. */
export function checkReporterOptions(options: unknown): void {
  checkOptions(CHECKS, options, "");
  const { record } = options as ReporterOptions;
  if (record !== undefined) text("a path")("record.path", record.path ?? "");
}
