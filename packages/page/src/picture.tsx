/** The picture: callers, this host, whom it calls, in three columns whose boxes never move; edges as wide as they are busy, red where they fail, NAT in words. */
import type { JSX } from "preact";
import { type Box, type Edge, type Edges, edgeLine } from "./edges.ts";

const BOX = { width: 230, height: 26 } as const;
const ROW = 36;
const TOP = 28;
const LEFT = [10, 385, 760] as const;
const WIDTH = 1000;
/** Edges that have their words on them; the rest tells when pointed at. */
const MOST_LABELS = 40;
const TITLES = ["who calls us", "this host", "whom we call"] as const;

/** Draws it. `selected`: the key of an edge. */
export function Picture({
  edges,
  selected,
  onSelect,
}: {
  readonly edges: Edges;
  readonly selected: string;
  readonly onSelect: (key: string) => void;
}): JSX.Element {
  const boxes = [...edges.boxes.values()];
  const all = [...edges.edges.values()];
  const height = TOP + ROW * (1 + boxes.reduce((most, { slot }) => Math.max(most, slot), 0)) + 4;
  const labelled = new Set(all.toSorted((a, b) => b.open + b.ended - a.open - a.ended).slice(0, MOST_LABELS));
  return (
    <svg
      class="picture"
      viewBox={`0 0 ${WIDTH} ${height}`}
      width={WIDTH}
      height={height}
      role="group"
      aria-label="Who talks to whom"
    >
      {TITLES.map((title, side) => (
        <text key={title} class="title" x={LEFT[side]! + BOX.width / 2} y={16}>
          {title}
        </text>
      ))}
      {all.map((edge) => (
        <EdgeLine
          key={edge.key}
          edge={edge}
          from={edges.boxes.get(edge.from)!}
          to={edges.boxes.get(edge.to)!}
          isLabelled={labelled.has(edge)}
          isSelected={edge.key === selected}
          onSelect={onSelect}
        />
      ))}
      {boxes.map((box) => (
        <g
          key={box.key}
          class="box"
          data-box={box.key}
          transform={`translate(${LEFT[box.side]} ${TOP + box.slot * ROW})`}
        >
          <rect width={BOX.width} height={BOX.height} rx={5} />
          <text x={BOX.width / 2} y={17}>
            {short(box.label)}
          </text>
          <title>{box.label}</title>
        </g>
      ))}
    </svg>
  );
}

interface LineProps {
  readonly edge: Edge;
  readonly from: Box;
  readonly to: Box;
  readonly isLabelled: boolean;
  readonly isSelected: boolean;
  readonly onSelect: (key: string) => void;
}

function EdgeLine({ edge, from, to, isLabelled, isSelected, onSelect }: LineProps): JSX.Element {
  const { path, x, y, anchor } = curve(from, to);
  const words = `${from.label} → ${to.label}: ${edgeLine(edge)}`;
  const width = Math.min(12, 1 + Math.log2(1 + edge.open + edge.ended));
  const select = (): void => onSelect(isSelected ? "" : edge.key);
  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    select();
  };
  const state = edge.failed > 0 ? "failing" : edge.open === 0 ? "over" : "";
  return (
    <g
      class={`edge ${state} ${isSelected ? "selected" : ""}`}
      data-edge={edge.key}
      role="button"
      tabIndex={0}
      aria-pressed={isSelected}
      aria-label={words}
      onClick={select}
      onKeyDown={onKey}
    >
      <title>{words}</title>
      <path class="reach" d={path} />
      <path class="line" d={path} stroke-width={width} />
      {isLabelled && (
        <text x={x} y={y} text-anchor={anchor}>
          {short(edgeLine(edge), 44)}
        </text>
      )}
    </g>
  );
}

/** From the right side of a box to the left side of another; beside the column between two boxes of it. */
function curve(
  from: Box,
  to: Box,
): { readonly path: string; readonly x: number; readonly y: number; readonly anchor: "start" | "middle" } {
  const [y1, y2] = [middle(from), middle(to)];
  const x1 = LEFT[from.side]! + BOX.width;
  if (from.side === to.side) {
    const bulge = 24 + Math.min(80, Math.abs(to.slot - from.slot) * 14);
    return {
      path: `M${x1} ${y1} C${x1 + bulge} ${y1} ${x1 + bulge} ${y2} ${x1} ${y2}`,
      x: x1 + bulge * 0.75 + 4,
      y: (y1 + y2) / 2 + 4,
      anchor: "start",
    };
  }
  const x2 = LEFT[to.side]!;
  const half = (x2 - x1) / 2;
  return {
    path: `M${x1} ${y1} C${x1 + half} ${y1} ${x2 - half} ${y2} ${x2} ${y2}`,
    x: x1 + half,
    y: (y1 + y2) / 2 - 4,
    anchor: "middle",
  };
}

function middle({ slot }: Box): number {
  return TOP + slot * ROW + BOX.height / 2;
}

function short(text: string, most = 30): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
