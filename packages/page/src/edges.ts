/** Who talks to whom, kept up to date one connection at a time: boxes and the edges between them. */
import { natLine, who } from "./labels.ts";
import { hasFailed, type Row } from "./row.ts";

/** Callers on the left, this host in the middle, whom we call on the right. */
type Side = 0 | 1 | 2;

/** A box. */
export interface Box {
  readonly key: string;
  readonly label: string;
  readonly side: Side;
  /** Place in its column: it never changes while the box is there. */
  readonly slot: number;
  edges: number;
}

/** Connections from one box to another, for one service. */
export interface Edge {
  readonly key: string;
  readonly from: string;
  readonly to: string;
  readonly service: string;
  open: number;
  ended: number;
  failed: number;
  bytes: number;
  /** What NAT made of them, and how many. */
  readonly nat: Map<string, number>;
}

/** Boxes in a column; what is beyond them shares one. */
const MOST_SLOTS = 60;

/** The picture. */
export class Edges {
  readonly boxes: Map<string, Box> = new Map();
  readonly edges: Map<string, Edge> = new Map();
  readonly #free: number[][] = [[], [], []];
  readonly #next: number[] = [0, 0, 0];

  /** The key of the edge that a connection belongs to. */
  static key(c: Row["c"], service: string): string {
    return `${ends(c)
      .map(({ key }) => key)
      .join(" → ")} ${service}`;
  }

  /** Adds a connection. */
  add(row: Row, service: string): void {
    const [from, to] = ends(row.c);
    let edge = this.edges.get(row.edge);
    if (edge === undefined) {
      const [a, b] = [this.#hold(from!), this.#hold(to!)];
      edge = { key: row.edge, from: a, to: b, service, open: 0, ended: 0, failed: 0, bytes: 0, nat: new Map() };
      this.edges.set(row.edge, edge);
    }
    count(edge, row, 1);
  }

  /** A connection's figures are others; everything else is as before. */
  count(before: Row, now: Row): void {
    const edge = this.edges.get(now.edge);
    if (edge !== undefined) edge.bytes += bytesOf(now) - bytesOf(before);
  }

  /** Takes a connection away. */
  remove(row: Row): void {
    const edge = this.edges.get(row.edge);
    if (edge === undefined) return;
    count(edge, row, -1);
    if (edge.open + edge.ended > 0) return;
    this.edges.delete(edge.key);
    this.#release(edge.from);
    this.#release(edge.to);
  }

  /** The box for an end; a column that is full has one box for the rest. */
  #hold({ key, label, side }: End): string {
    const known = this.boxes.get(key);
    if (known !== undefined) {
      known.edges++;
      return key;
    }
    const slot = this.#free[side]!.pop() ?? this.#next[side]!++;
    if (slot < MOST_SLOTS || key.startsWith(OTHERS)) {
      this.boxes.set(key, { key, label, side, slot, edges: 1 });
      return key;
    }
    this.#next[side]!--;
    return this.#hold({ key: `${OTHERS}${side}`, label: "others", side });
  }

  #release(key: string): void {
    const box = this.boxes.get(key);
    if (box === undefined || --box.edges > 0) return;
    this.boxes.delete(key);
    this.#free[box.side]!.push(box.slot);
  }
}

const OTHERS = "others ";

interface End {
  readonly key: string;
  readonly label: string;
  readonly side: Side;
}

function ends({ from, to }: Row["c"]): End[] {
  const end = (each: Row["c"]["from"], remote: Side): End => {
    const label = who(each);
    const side = each.local ? 1 : remote;
    return { key: `${side} ${each.containerId ?? ""} ${label}`, label, side };
  };
  return [end(from, 0), end(to, 2)];
}

function bytesOf({ c: { counters } }: Row): number {
  return counters === undefined ? 0 : counters.original.bytes + counters.reply.bytes;
}

function count(edge: Edge, row: Row, sign: 1 | -1): void {
  const many = sign * row.c.count;
  if (row.endedMs === undefined) edge.open += many;
  else edge.ended += many;
  if (hasFailed(row)) edge.failed += many;
  edge.bytes += sign * bytesOf(row);
  if (row.c.nat === null) return;
  const line = natLine(row.c);
  const left = (edge.nat.get(line) ?? 0) + many;
  if (left > 0) edge.nat.set(line, left);
  else edge.nat.delete(line);
}

/** What an edge says of itself. */
export function edgeLine({ service, open, ended, failed, nat }: Edge): string {
  const [translated] = nat.keys();
  const more = nat.size > 1 ? ` +${nat.size - 1}` : "";
  const failures = failed > 0 ? `, ${failed} failed` : "";
  return `${service} ×${open + ended}${failures}${translated === undefined ? "" : ` · ${translated}${more}`}`;
}
