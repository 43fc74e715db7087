/** What the server is told of connections as they change: the shape of the reporter's `changes$`, of which it needs no more than this. */
import type { Connection } from "@conntrail/report";

/** A change. A `snapshot` is where a listener begins, and begins anew. */
export type ToldChange =
  | { readonly kind: "opened" | "changed" | "closed"; readonly id: number; readonly connection: Connection }
  | { readonly kind: "gone"; readonly id: number }
  | {
      readonly kind: "snapshot";
      /** Changes that were not told since the one before; null when nobody knows how many. */
      readonly lost: number | null;
      connections(): Iterable<Connection>;
    };

/** Where changes come from: an Observable that begins with a snapshot for each subscriber. */
export interface ChangeSource {
  subscribe(observer: { next(change: ToldChange): void; error(error: unknown): void; complete(): void }): {
    unsubscribe(): void;
  };
}
