/** Around the merge: tells of TCP connections what their sockets say (TCP_INFO), out of the tables that go into it. */
import type { FlowBatch, SocketTable, Tick } from "@conntrail/model";
import { defer, map, tap } from "rxjs";
import type { Stage } from "../stage.ts";
import type { BoundedSnapshot } from "../traced/row-bounds.ts";
import { TcpBook } from "./tcp-book.ts";

/** What goes into the merge. */
type Input = FlowBatch | SocketTable | Tick;

/** The same stage, its snapshots completed in place. */
export function tellTcp(merge: Stage<Input, BoundedSnapshot>): Stage<Input, BoundedSnapshot> {
  return (source) =>
    defer(() => {
      const book = new TcpBook();
      return source.pipe(
        tap((input) => {
          if (input.kind === "sockets") book.take(input);
        }),
        merge,
        map((snapshot) => book.tell(snapshot)),
      );
    });
}
