/** One thing that was looked at, and what came of it. */

/**
 * `ok`: it is there; `limited`: something is missing in part, or will be; `missing`: what was asked for cannot work; `unknown`: it could not be
 * found out, and `found` says why; `off`: it was not asked for.
 */
export type CheckState = "ok" | "limited" | "missing" | "unknown" | "off";

/** One check. */
export interface Check {
  /** Its name for programs: `tracking`, `capability.net-admin`, … */
  readonly id: string;
  /** Its name for people. */
  readonly title: string;
  readonly state: CheckState;
  /** What was seen. */
  readonly found: string;
  /** What reports lack because of it; null when nothing. */
  readonly lost: string | null;
  /** What puts it right: a command line of the shell, or where no command can, a sentence that begins with a capital; null when nothing has to be done. */
  readonly mend: string | null;
}

/** A check that found what it looked for. */
export function found(id: string, title: string, what: string): Check {
  return { id, title, state: "ok", found: what, lost: null, mend: null };
}

/** A check of something that was not asked for. */
export function notAsked(id: string, title: string): Check {
  return { id, title, state: "off", found: "not asked for", lost: null, mend: null };
}

/** A check that found something wrong. */
export function wrong(
  state: "limited" | "missing" | "unknown",
  id: string,
  title: string,
  { found, lost, mend }: { readonly found: string; readonly lost: string; readonly mend: string | null },
): Check {
  return { id, title, state, found, lost, mend };
}
