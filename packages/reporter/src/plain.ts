/** What a command line asks before anything runs: limits and errors of options, ends that can be asked about. Loads neither threads nor Observables. */
export { type AskedEnd, parseAskedEnd } from "./explain/asked-ends.ts";
export { type LimitedOption, OPTION_LIMITS, type OptionLimit, SCAN_THREADS } from "./options/limits.ts";
export { isOptionError, type OptionError } from "./options/option-error.ts";
