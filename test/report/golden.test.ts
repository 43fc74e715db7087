/** Every case in every format, beside what it gave when somebody last looked at it. */
import { encodeDot, encodeJson, encodeScope, encodeTable } from "@conntrail/report";
import { describe, expect, test } from "vitest";
import { CASES } from "./cases.ts";
import { text } from "./text.ts";

describe.each(Object.entries(CASES))("%s", (name, content) => {
  test("as JSON reads as it did", async () => {
    await expect(`${text(encodeJson(content, { pretty: true }))}\n`).toMatchFileSnapshot(`golden/${name}.json.txt`);
  });

  test("in Scope's format reads as it did", async () => {
    const report: unknown = JSON.parse(text(encodeScope(content)));
    await expect(`${JSON.stringify(report, null, 1)}\n`).toMatchFileSnapshot(`golden/${name}.scope.txt`);
  });

  test("as a table reads as it did", async () => {
    await expect(text(encodeTable(content))).toMatchFileSnapshot(`golden/${name}.table.txt`);
  });

  test("as a graph reads as it did", async () => {
    await expect(text(encodeDot(content))).toMatchFileSnapshot(`golden/${name}.dot`);
  });
});
