/** Laws of the layouts in which the merge keeps rows. */
import { FLOW, FLOW_WORDS } from "@conntrail/model";
import { ROW_LAYOUTS, type RowField } from "@conntrail/stages";
import { describe, expect, test } from "vitest";

const DOUBLES = [
  "firstSeenMs",
  "lastSeenMs",
  "startMs",
  "originalPackets",
  "originalBytes",
  "replyPackets",
  "replyBytes",
];

/** Every word that a layout uses, with the field that uses it. */
function words(fields: readonly RowField[]): [number, string][] {
  return fields.flatMap(({ name, at, words: count }) =>
    Array.from({ length: count }, (_, i): [number, string] => [at + i, name]),
  );
}

describe.each(Object.entries(ROW_LAYOUTS))("the layout of a %s row", (_, fields) => {
  test("gives no word to two fields", () => {
    const users = new Map<number, string[]>();
    for (const [word, name] of words(fields)) users.set(word, [...(users.get(word) ?? []), name]);
    expect([...users.values()].filter((names) => names.length > 1)).toEqual([]);
  });

  test("fits into 64 words", () => {
    expect(Math.max(...words(fields).map(([word]) => word))).toBeLessThan(64);
  });

  test("has every field of a flow where the model has it, and its doubles at even words", () => {
    for (const [name, at] of Object.entries(FLOW)) {
      expect(fields.find((field) => field.name === name)?.at).toBe(at);
      if (name.endsWith("Ms") || DOUBLES.includes(name)) expect(at % 2).toBe(0);
    }
    for (const { at, words: count } of fields) if (count === 2) expect(at % 2).toBe(0);
  });

  test("has the merge's own words behind those of the flow", () => {
    for (const { name, at } of fields) if (!(name in FLOW)) expect(at).toBeGreaterThanOrEqual(FLOW_WORDS);
  });
});
