/** Rows of the model of a fleet as batches of the store: the same columns that the sink sends. */
import { parseAddress } from "@conntrail/model";
import { type Batch, COLUMNS, packBatch, RowBlock } from "@conntrail/store";
import type { FleetRow } from "./fleet-row.ts";

/** Batches of `size` rows, the last of fewer; their tokens are `<name>-<number>`. */
export async function* fleetBatches(rows: Iterable<FleetRow>, size: number, name: string): AsyncGenerator<Batch> {
  let block = new RowBlock();
  let number = 0;
  for (const row of rows) {
    appendFleetRow(block, row);
    if (block.rows < size) continue;
    yield await packBatch(`${name}-${number++}`, block);
    block = new RowBlock();
  }
  if (block.rows > 0) yield await packBatch(`${name}-${number}`, block);
}

function appendFleetRow(block: RowBlock, row: FleetRow): void {
  for (const name of COLUMNS) {
    const column = block.columns[name];
    const value = row[name];
    if ("pushNone" in column) column.push(wordsOf(String(value)), 0);
    else (column as { push(value: string | number): void }).push(valueFor(name, column.type, value));
  }
  block.rows++;
}

function valueFor(name: string, type: string, value: string | number | undefined): string | number {
  if (type === "LowCardinality(String)") return String(value ?? "");
  if (type.startsWith("Enum8")) return numberIn(type, String(value));
  return Math.round(Number(value ?? 0) * (name === "first_seen" ? 1000 : 1));
}

const words = new Map<string, Uint32Array>();

function wordsOf(text: string): Uint32Array {
  let found = words.get(text);
  if (found === undefined) {
    found = parseAddress(text);
    if (found === undefined) throw new Error(`not an address: ${text}`);
    words.set(text, found);
  }
  return found;
}

const numbers = new Map<string, number>();

/** The number of a word in a closed list: `Enum8('none' = 0, …)`. */
function numberIn(type: string, word: string): number {
  const key = `${word} ${type}`;
  let found = numbers.get(key);
  if (found === undefined) {
    found = Number(new RegExp(`'${word.replace("+", "\\+")}' = (\\d+)`).exec(type)?.[1]);
    if (Number.isNaN(found)) throw new Error(`${word} is not in ${type}`);
    numbers.set(key, found);
  }
  return found;
}
