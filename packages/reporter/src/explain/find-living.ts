/** The connection of a number among those that live: where a reader of changes begins, all of them are told. */
import type { Connection } from "@conntrail/report";
import { EMPTY, filter, firstValueFrom, type Observable, timeout } from "rxjs";
import type { Change } from "../changes/change.ts";

/** The first snapshot waits for all sources. */
const DEADLINE_MS = 25_000;

/** Finds it; undefined when none that lives has this number. */
export async function findLiving(changes$: Observable<Change>, id: number): Promise<Connection | undefined> {
  const present$ = changes$.pipe(
    filter((change) => change.kind === "snapshot"),
    timeout({ first: DEADLINE_MS, with: () => EMPTY }),
  );
  const present = await firstValueFrom(present$, { defaultValue: undefined });
  for (const connection of present?.connections() ?? []) if (connection.id === id) return connection;
  return undefined;
}
