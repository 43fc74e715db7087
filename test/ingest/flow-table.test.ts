/** The flow table against a Map, and what it costs. */
import { FlowTable } from "@conntrail/ingest";
import { FLOW, FLOW_WORDS, packKind, writeIpv4 } from "@conntrail/model";
import fc from "fast-check";
import { expect, test } from "vitest";

const BYTES_PER_FLOW = 192;

/** A row whose key is `key`: every part of the key takes part. */
function rowOf(key: number): Uint32Array {
  const row = new Uint32Array(FLOW_WORDS);
  writeIpv4(row, FLOW.originalSource, 0x0a000000 + (key >>> 4));
  writeIpv4(row, FLOW.originalDestination, 0x0a010000 + (key & 1));
  row[FLOW.originalPorts] = ((key & 0xff) << 16) | 80;
  row[FLOW.kind] = packKind((key & 2) === 0 ? 6 : 17, 2, 0, 0);
  row[FLOW.zone] = (key >>> 2) & 1;
  row[FLOW.netns] = (key >>> 3) & 1;
  row[FLOW.mark] = key;
  return row;
}

test("F37 any sequence of insertions and removals leaves what a Map would have", () => {
  const key = fc.nat({ max: 300 });
  const step = fc.oneof(
    fc.record({ do: fc.constant("insert" as const), key }, { noNullPrototype: true }),
    fc.record({ do: fc.constant("remove" as const), key }, { noNullPrototype: true }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 600 }), fc.integer(), (steps, seed) => {
      const table = new FlowTable(200, seed);
      const model = new Map<number, number>();
      for (const { do: action, key } of steps) {
        const row = rowOf(key);
        const hash = table.hash(row);
        const slot = table.find(row, hash);
        expect(slot >= 0).toBe(model.has(key));
        if (action === "remove" && slot >= 0) {
          table.remove(slot);
          model.delete(key);
        } else if (action === "insert" && slot < 0) {
          const made = table.insert(row, hash);
          expect(made < 0).toBe(model.size === 200);
          if (made >= 0) model.set(key, made);
        }
      }
      expect(table.size).toBe(model.size);
      for (const [key, slot] of model) expect(table.page(slot)[table.offset(slot) + FLOW.mark]).toBe(key);
    }),
    { numRuns: 300 },
  );
});

/** The slot of a key; a wrong row in it is told apart from none. */
function slotOf(table: FlowTable, key: number): number {
  const row = rowOf(key);
  const slot = table.find(row, table.hash(row));
  return slot >= 0 && table.page(slot)[table.offset(slot) + FLOW.mark] !== key ? Number.NaN : slot;
}

test("rows survive growth, and memory is given back when flows go", () => {
  const keys = Array.from({ length: 100_000 }, (_, key) => key);
  const table = new FlowTable(keys.length, 1);
  const slots = keys.map((key) => table.insert(rowOf(key), table.hash(rowOf(key))));
  expect(new Set(slots).size).toBe(keys.length);
  expect(table.insert(rowOf(keys.length), table.hash(rowOf(keys.length)))).toBe(-1);
  const full = table.bytes;
  for (const key of keys) if (key % 50 !== 0) table.remove(slotOf(table, key));
  while (table.compact());
  expect(table.bytes).toBeLessThan(full / 12);
  expect(keys.filter((key) => slotOf(table, key) >= 0)).toEqual(keys.filter((key) => key % 50 === 0));
  expect(keys.filter((key) => Number.isNaN(slotOf(table, key)))).toEqual([]);
});

test("rows are found in a table as full as it gets before it grows, while others go", () => {
  const most = 98_000; // of an index of 131,072: some entries stand dozens of steps from their home
  const table = new FlowTable(most, 3);
  const keys = Array.from({ length: most }, (_, key) => key);
  for (const key of keys) table.insert(rowOf(key), table.hash(rowOf(key)));
  const isGone = (key: number): boolean => Math.imul(key, 0x9e3779b1) >>> 30 !== 0;
  for (const key of keys) if (isGone(key)) table.remove(slotOf(table, key));
  expect(keys.filter((key) => slotOf(table, key) >= 0)).toEqual(keys.filter((key) => !isGone(key)));
  for (const key of keys) if (isGone(key)) table.insert(rowOf(key), table.hash(rowOf(key)));
  expect(keys.filter((key) => !(slotOf(table, key) >= 0))).toEqual([]);
});

test.each([3_000, 50_000, 196_609, 262_144])(
  "T6 %d flows cost at most 192 bytes each, their places in the list of changes included",
  (count) => {
    const table = new FlowTable(262_144, 7);
    for (let key = 0; key < count; key++) table.insert(rowOf(key), table.hash(rowOf(key)));
    const changeList = table.slots * 4;
    // Memory comes in pages of 2,048 rows: a table of a few flows has one.
    const page = 2_048 * FLOW_WORDS * 4;
    expect(table.bytes + changeList - page).toBeLessThan(BYTES_PER_FLOW * count);
    if (count === 262_144) expect(table.bytes + changeList).toBeLessThan(BYTES_PER_FLOW * count);
  },
);
