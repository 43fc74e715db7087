/** Changes on the host thread: readers that are slow, come late, or outlive a pipeline. */
import { allocateColumns } from "@conntrail/model";
import { packReport } from "@conntrail/report";
import { type Change, createReporter } from "@conntrail/reporter";
import type { Observable } from "rxjs";
import { Subject } from "rxjs";
import { expect, test } from "vitest";
import { SURROUNDINGS } from "../report/surroundings.ts";
import { socket, table } from "../stages/socket-fixture.ts";

/** Not among what the package exports: its own file is what is asked. */
const { ChangeChannel } = (await import(
  new URL("../../packages/reporter/dist/changes/change-channel.js", import.meta.url).href
)) as {
  readonly ChangeChannel: new (
    want: (want: string) => void,
  ) => {
    readonly changes$: Observable<Change>;
    iterate(): AsyncGenerator<Change, void, undefined>;
    message(message: object): void;
    restarted(): void;
    end(): void;
  };
};

const { message: packed } = packReport({ ...SURROUNDINGS, columns: allocateColumns(0), owners: [], names: [] });

/** Nothing but so many connections that are gone, and the picture where somebody waits for it. */
function gone(count: number, whole?: typeof packed): object {
  const ids = Float64Array.from({ length: count }, (_, i) => i + 1);
  return { kind: "changes", packed, kinds: new Uint8Array(0), members: new Uint8Array(0), gone: ids, whole };
}

function hear(changes$: Observable<Change>, next: (change: Change) => void): void {
  changes$.subscribe({
    next,
    error: (error: unknown) => {
      throw error;
    },
  });
}

const picture = (): object => gone(0, packed);

test("N12 a reader that falls behind is told how many changes it lost, with a picture to begin anew from", async () => {
  const wants: string[] = [];
  const channel = new ChangeChannel((want) => wants.push(want));
  const reader = channel.iterate();
  const first = reader.next();
  channel.message(picture());
  expect((await first).value).toMatchObject({ kind: "snapshot", lost: 0 });
  channel.message(gone(40_000));
  channel.message(gone(40_000));
  const asked = wants.length;
  const next = reader.next();
  // It asks when it has come to the end of what it has, not before: a picture that nobody reads costs as much.
  expect(wants.slice(asked)).toEqual(["all"]);
  channel.message(gone(5));
  channel.message(picture());
  expect((await next).value).toMatchObject({ kind: "snapshot", lost: 80_005 });
  channel.message(gone(1));
  expect((await reader.next()).value).toMatchObject({ kind: "gone", id: 1 });
  await reader.return();
  expect(wants.at(-1)).toBe("off");
});

test("a reader that comes late begins with a picture, and the one that was there is not told twice", () => {
  const channel = new ChangeChannel(() => undefined);
  const [early, late]: [string[], string[]] = [[], []];
  hear(channel.changes$, ({ kind }) => early.push(kind));
  channel.message(picture());
  hear(channel.changes$, ({ kind }) => late.push(kind));
  channel.message(gone(1));
  channel.message(gone(1, packed));
  channel.message(gone(1));
  expect(early).toEqual(["snapshot", "gone", "gone", "gone"]);
  expect(late).toEqual(["snapshot", "gone"]);
});

test("when the pipeline is started anew every reader begins with a picture, and nobody knows what was lost", async () => {
  const scanner = new Subject<ReturnType<typeof table>>();
  const quiet = { conntrack: false, names: false, intervalMs: 0, maxRestarts: 3 } as const;
  await using reporter = createReporter({ ...quiet, scanner });
  const told: Change[] = [];
  hear(reporter.changes$, (change) => told.push(change));
  const toldOf = async (count: number): Promise<void> => {
    const scan = (): number => {
      scanner.next(table(Date.now(), [socket("10.0.0.1:40000 > 10.0.0.2:80")]));
      return told.length;
    };
    await expect.poll(scan, { timeout: 15_000, interval: 100 }).toBe(count);
  };
  await toldOf(1);
  scanner.next({ rows: new Uint32Array(0), namespaces: null } as never);
  await toldOf(2);
  const lives = { kind: "snapshot", length: 1 };
  expect(told).toMatchObject([
    { ...lives, lost: 0 },
    { ...lives, lost: null },
  ]);
}, 40_000);
