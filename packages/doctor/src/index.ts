/** What this host needs for whole reports: each thing looked at, found or missing, with what is lost without it and the command that mends it. */
export type { Check, CheckState } from "./check.ts";
export { type Diagnosis, type DoctorOptions, diagnose } from "./diagnose.ts";
