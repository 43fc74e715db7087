/** A connection on the page. */
import type { ConnectionJson } from "@conntrail/report";

/** A connection with what the page has made of it. */
export interface Row {
  readonly id: number;
  readonly c: ConnectionJson;
  /** The filter lets it through. */
  readonly shown: boolean;
  /** The edge it is part of. */
  readonly edge: string;
  /** Milliseconds of the page's clock at which its end was told. */
  readonly endedMs: number | undefined;
}

/** True for one that ended without ever being established. */
export function hasFailed({ c }: Row): boolean {
  return c.state === "failed";
}
