/** Who talks to whom: connections summed up by the values of some fields. */
import { columnSource, jsonSource, type Source } from "./bound.ts";
import { didYouMean, QueryError } from "./errors.ts";
import { Fields } from "./fields.ts";
import { fieldKey, type GroupKey, PAIR_WORDS, pairKeys } from "./group-keys.ts";
import type { Table } from "./table.ts";
import { compareValues, isLess, type Value } from "./value.ts";

/** Connections that have the same keys, and their sums. */
export interface Group {
  /** The values of the keys, in the order of `Grouping.keys`. */
  readonly keys: readonly Value[];
  /** Connections: rows by their `count`. */
  connections: number;
  /** Of them: neither closed nor failed. */
  open: number;
  /** Of them: begun within the window. */
  opened: number;
  closed: number;
  failed: number;
  /** Both ways; null where the kernel counts for none of them. */
  bytes: number | null;
  /** Kinds of translation among them, each once. */
  readonly nat: string[];
  /** ISO 8601 in UTC. */
  first: string | null;
  last: string | null;
}

/** What the sums can be sorted by, beside the keys. */
export const GROUP_SUMS = ["connections", "open", "opened", "closed", "failed", "bytes", "first", "last"] as const;

/** A compiled `--by`. */
export interface Grouping {
  readonly text: string;
  /** Names of the keys: `from`, `to`, `service`, or paths of fields. */
  readonly keys: readonly string[];
  /** Groups of the rows given. `windowStart`: ISO 8601, since when a connection counts as opened. */
  rows(table: Table, rows: Iterable<number>, windowStart: string | null): Group[];
  connections(connections: Iterable<object>, windowStart: string | null): Group[];
  /** Those of the rows that belong to the group with these keys. */
  members(table: Table, rows: Iterable<number>, keys: readonly Value[]): number[];
  /** Puts groups in order, in place: by `bytes`, `failed:desc` or a key; by default the most connections first. Throws QueryError. */
  sort(groups: Group[], by?: string): Group[];
}

/**
 * Compiles `process,service`, or any fields. A word that both ends have (`process`, `address`, `name`, `container`) makes a pair, who to
 * whom; an end without it is told by the next best: name, then address. Throws QueryError.
 */
export function compileGroup(text: string, fields: Fields = new Fields()): Grouping {
  const keys = parseKeys(text, fields);
  const names = keys.map(({ name }) => name);
  return {
    text,
    keys: names,
    rows: (table, rows, windowStart) => sumUp(keys, fields, columnSource(table), rows, windowStart),
    connections: (connections, windowStart) => sumUp(keys, fields, jsonSource, connections, windowStart),
    members: (table, rows, wanted) => membersOf(keys, columnSource(table), rows, wanted),
    sort: (groups, by) => groups.sort(groupOrder(names, by)),
  };
}

function parseKeys(text: string, fields: Fields): GroupKey[] {
  let column = 1;
  return text.split(",").flatMap((part) => {
    const word = part.trim();
    const at = column;
    column += part.length + 1;
    const pair = pairKeys(word, fields);
    if (pair !== undefined) return pair;
    const field = fields.get(word);
    if (field !== undefined && field.kind !== "part") return [fieldKey(field)];
    const near = didYouMean(word, [...PAIR_WORDS, ...fields.paths]);
    throw new QueryError("unknown-field", at, `there is no field "${word}" to group by${near}`);
  });
}

function sumUp<R>(
  keys: readonly GroupKey[],
  fields: Fields,
  source: Source<R>,
  rows: Iterable<R>,
  windowStart: string | null,
): Group[] {
  const readers = keys.map((key) => key.bind(source));
  const read = (path: string): ((row: R) => Value) => source.value(fields.get(path)!);
  const [state, count, bytes, nat] = [read("state"), read("count"), read("bytes"), read("nat.kind")];
  const [firstSeen, lastSeen] = [read("firstSeen"), read("lastSeen")];
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const values = readers.map((each) => each(row));
    const id = JSON.stringify(values);
    let group = groups.get(id);
    if (group === undefined) {
      group = emptyGroup(values);
      groups.set(id, group);
    }
    const [word, many, first] = [state(row), count(row) as number, firstSeen(row) as string | null];
    group.connections += many;
    if (word === "closed") group.closed += many;
    else if (word === "failed") group.failed += many;
    else group.open += many;
    if (windowStart !== null && first !== null && first >= windowStart) group.opened += many;
    const counted = bytes(row);
    if (typeof counted === "number") group.bytes = (group.bytes ?? 0) + counted;
    const kind = nat(row);
    if (typeof kind === "string" && !group.nat.includes(kind)) group.nat.push(kind);
    if (first !== null && (group.first === null || first < group.first)) group.first = first;
    const last = lastSeen(row) as string | null;
    if (last !== null && (group.last === null || isLess(group.last, last))) group.last = last;
  }
  return [...groups.values()];
}

function membersOf<R>(keys: readonly GroupKey[], source: Source<R>, rows: Iterable<R>, wanted: readonly Value[]): R[] {
  const readers = keys.map((key) => key.bind(source));
  const id = JSON.stringify(wanted);
  return [...rows].filter((row) => JSON.stringify(readers.map((read) => read(row))) === id);
}

function emptyGroup(keys: readonly Value[]): Group {
  return {
    keys,
    connections: 0,
    open: 0,
    opened: 0,
    closed: 0,
    failed: 0,
    bytes: null,
    nat: [],
    first: null,
    last: null,
  };
}

function groupOrder(keys: readonly string[], by = "connections"): (a: Group, b: Group) => number {
  const [name, word] = by.split(":");
  const key = keys.indexOf(name!);
  const isSum = (GROUP_SUMS as readonly string[]).includes(name!);
  if (key < 0 && !isSum) {
    throw new QueryError("unknown-field", 1, `groups have no "${name}"${didYouMean(name!, [...keys, ...GROUP_SUMS])}`);
  }
  if (word !== undefined && word !== "asc" && word !== "desc") {
    throw new QueryError("syntax", name!.length + 2, `expected asc or desc, got "${word}"`);
  }
  const sign = (word ?? (isSum ? "desc" : "asc")) === "asc" ? 1 : -1;
  const read = (group: Group): Value => (key >= 0 ? group.keys[key]! : group[name as (typeof GROUP_SUMS)[number]]);
  return (a, b) => {
    const [x, y] = [read(a), read(b)];
    const rank = x === null || y === null ? compareValues(x, y) : sign * compareValues(x, y);
    return rank || b.connections - a.connections || byKeys(a, b);
  };
}

/** The same groups are in the same order, whatever came first. */
function byKeys(a: Group, b: Group): number {
  for (const [i, value] of a.keys.entries()) {
    const rank = compareValues(value, b.keys[i]!);
    if (rank !== 0) return rank;
  }
  return 0;
}
