/** The page as a whole: figures and filter above, picture and table below, evidence beside them. */
import type { JSX } from "preact";
import { useCallback, useEffect, useReducer, useState } from "preact/hooks";
import { keep, readKept } from "./address-bar.ts";
import { ConnectionTable } from "./connection-table.tsx";
import { ConnectionDetails, EdgeDetails } from "./details.tsx";
import { type Info, showMoment } from "./feed.ts";
import { FilterBox } from "./filter-box.tsx";
import { Picture } from "./picture.tsx";
import { sortedRows } from "./sorted-rows.ts";
import { Sparkline } from "./sparkline.tsx";
import type { Store } from "./store.ts";

/** Draws no more often than this. */
const DRAW_MS = 200;

interface AppProps {
  readonly store: Store;
  readonly info: Info;
  readonly isConnected: () => boolean;
}

/** The page. */
export function App({ store, info, isConnected }: AppProps): JSX.Element {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const [edgeKey, setEdge] = useState(readKept().edge);
  const [sort, setSort] = useState(readKept().sort);
  const [selected, setSelected] = useState<number>();
  useEffect(
    () =>
      onceEvery(
        DRAW_MS,
        (draw) => store.listen(draw),
        () => redraw(undefined),
      ),
    [store],
  );
  useEffect(() => keep({ filter: store.filterText, edge: edgeKey, sort }));
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === "/" && !(event.target instanceof HTMLInputElement)) {
        event.preventDefault();
        document.getElementById("filter")?.focus();
      } else if (event.key === "Escape") {
        setSelected(undefined);
        setEdge("");
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  const onText = useCallback((text: string) => store.ask(text), [store]);
  const edge = store.edges.edges.get(edgeKey);
  const row = selected === undefined ? undefined : store.row(selected);
  const inEdge = edge === undefined ? store.shown : store.shown.filter((each) => each.edge === edge.key);
  const endMs = store.windowEnd === null ? Date.now() : Date.parse(store.windowEnd);
  return (
    <>
      <header class="top">
        <h1>conntrail{info.host === null ? "" : ` · ${info.host}`}</h1>
        <FilterBox text={store.filterText} error={store.filterError} fields={info.fields} onText={onText} />
        <Sparkline series={store.series} />
        <State store={store} info={info} isConnected={isConnected()} />
      </header>
      {info.mode === "replay" && <Slider store={store} times={info.times ?? []} />}
      <main>
        <section class="map" aria-label="Picture">
          <Picture edges={store.edges} selected={edgeKey} onSelect={setEdge} />
        </section>
        <section class="list" aria-label="List">
          <ConnectionTable
            rows={sortedRows(inEdge, sort, store.fields)}
            endMs={endMs}
            sort={sort}
            selected={selected}
            onSort={setSort}
            onSelect={setSelected}
          />
        </section>
        {row !== undefined && <ConnectionDetails row={row} onClose={() => setSelected(undefined)} />}
        {row === undefined && edge !== undefined && (
          <EdgeDetails edge={edge} rows={store.shown} onSelect={setSelected} onClose={() => setEdge("")} />
        )}
      </main>
    </>
  );
}

/** How many, how well, and whether anything was missed. */
function State({
  store,
  info,
  isConnected,
}: {
  readonly store: Store;
  readonly info: Info;
  readonly isConnected: boolean;
}): JSX.Element {
  const parts =
    store.health === undefined
      ? []
      : (["conntrack", "sockets", "names"] as const).map((name) => ({ name, ...store.health![name] }));
  return (
    <div class="state" role="status">
      <div>
        {store.shown.length} connections shown, {store.total} open in all
        {info.mode === "live" && !isConnected ? " · not connected" : ""}
        {store.missed ? " · this page missed some changes" : ""}
      </div>
      <div>
        {parts.map(({ name, state, reason }) => (
          <span key={name} class={`part ${state}`}>
            {name} {state}
            {reason === null ? "" : ` (${reason})`}
          </span>
        ))}
      </div>
    </div>
  );
}

/** The moments of a replay. */
function Slider({ store, times }: { readonly store: Store; readonly times: readonly (string | null)[] }): JSX.Element {
  const [at, setAt] = useState(times.length - 1);
  useEffect(() => void showMoment(store, at), [store, at]);
  return (
    <div class="slider">
      <input
        type="range"
        aria-label="Time"
        min={0}
        max={times.length - 1}
        value={at}
        onInput={(event) => setAt(Number(event.currentTarget.value))}
      />
      <output>
        {times[at] ?? "?"} ({at + 1} of {times.length})
      </output>
    </div>
  );
}

/** Draws at once, and then at most every so many milliseconds, in the browser's own time. */
function onceEvery(ms: number, listen: (draw: () => void) => () => void, draw: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lastMs = Number.NEGATIVE_INFINITY;
  const stop = listen(() => {
    const due = lastMs + ms - performance.now();
    timer ??= setTimeout(
      () => {
        timer = undefined;
        lastMs = performance.now();
        draw();
      },
      Math.max(0, due),
    );
  });
  return () => {
    stop();
    clearTimeout(timer);
  };
}
