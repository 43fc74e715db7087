/** Connections as rows, of which only those in sight exist (TanStack Virtual). Keys walk through it; Enter opens the evidence. */
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from "@tanstack/virtual-core";
import type { JSX } from "preact";
import { useEffect, useReducer, useRef } from "preact/hooks";
import { amount, endLine, natLine, span } from "./labels.ts";
import type { Row } from "./row.ts";

const ROW_HEIGHT = 26;

/** A column, and the field by which it sorts. */
const COLUMNS: readonly {
  readonly title: string;
  readonly field: string;
  readonly cell: (row: Row, endMs: number) => string;
}[] = [
  { title: "State", field: "state", cell: ({ c }) => c.state },
  { title: "From", field: "from.address", cell: ({ c }) => endLine(c.from) },
  { title: "To", field: "to.address", cell: ({ c }) => endLine(c.to) },
  { title: "Evidence", field: "direction.evidence", cell: ({ c }) => c.direction.evidence },
  { title: "NAT", field: "nat.kind", cell: ({ c }) => natLine(c) },
  {
    title: "Bytes",
    field: "bytes",
    cell: ({ c }) => (c.counters === undefined ? "" : amount(c.counters.original.bytes + c.counters.reply.bytes)),
  },
  {
    title: "Began",
    field: "firstSeen",
    cell: ({ c }, endMs) => (c.firstSeen === null ? "" : `${span(endMs - Date.parse(c.firstSeen))} ago`),
  },
];

interface TableProps {
  readonly rows: readonly Row[];
  readonly endMs: number;
  readonly sort: string;
  readonly selected: number | undefined;
  readonly onSort: (field: string) => void;
  readonly onSelect: (id: number | undefined) => void;
}

/** The table. */
export function ConnectionTable({ rows, endMs, sort, selected, onSort, onSelect }: TableProps): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null);
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const virtual = useRef<Virtualizer<HTMLDivElement, HTMLDivElement>>(undefined);
  const options = {
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 8,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => redraw(undefined),
  };
  virtual.current ??= new Virtualizer(options);
  virtual.current.setOptions(options);
  useEffect(() => virtual.current!._didMount(), []);
  useEffect(() => virtual.current!._willUpdate());
  const onKey = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = rows.findIndex(({ id }) => id === selected);
    const next = Math.max(0, Math.min(rows.length - 1, at + step));
    const row = rows[next];
    if (row === undefined) return;
    onSelect(row.id);
    virtual.current!.scrollToIndex(next);
  };
  return (
    <div
      class="table"
      role="grid"
      aria-label="Connections"
      aria-rowcount={rows.length}
      tabIndex={0}
      onKeyDown={onKey}
      aria-activedescendant={selected === undefined ? undefined : "selected-row"}
    >
      <div class="head" role="row" tabIndex={-1}>
        {COLUMNS.map(({ title, field }) => (
          <span key={field} role="columnheader" tabIndex={-1} aria-sort={sort === field ? "descending" : "none"}>
            <button type="button" onClick={() => onSort(sort === field ? "" : field)}>
              {title}
              {sort === field ? " ▾" : ""}
            </button>
          </span>
        ))}
      </div>
      <div class="scroller" ref={scroller}>
        <div class="all" style={{ height: `${virtual.current.getTotalSize()}px` }}>
          {virtual.current.getVirtualItems().map(({ index, start }) => (
            <TableRow
              key={rows[index]?.id ?? index}
              row={rows[index]}
              index={index}
              start={start}
              endMs={endMs}
              isSelected={rows[index]?.id === selected}
              onSelect={onSelect}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

interface RowProps {
  readonly row: Row | undefined;
  readonly index: number;
  readonly start: number;
  readonly endMs: number;
  readonly isSelected: boolean;
  readonly onSelect: (id: number | undefined) => void;
}

function TableRow({ row, index, start, endMs, isSelected, onSelect }: RowProps): JSX.Element | null {
  if (row === undefined) return null;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the grid's
    <div
      id={isSelected ? "selected-row" : undefined}
      class={`row ${row.c.state}`}
      role="row"
      tabIndex={-1}
      aria-rowindex={index + 1}
      aria-selected={isSelected}
      style={{ transform: `translateY(${start}px)` }}
      onClick={() => onSelect(isSelected ? undefined : row.id)}
    >
      {COLUMNS.map(({ title, cell }) => {
        const text = cell(row, endMs);
        return (
          <span key={title} role="gridcell" tabIndex={-1} title={text}>
            {text}
          </span>
        );
      })}
    </div>
  );
}
