/**
 * Golden messages: each `.hex` in test/fixtures/{ctnetlink,sock-diag} was sent by a real kernel or written from its source, with the command that caused it and what
 * conntrack(8) or ss(8) made of it in its first lines; the `.json` beside it is what it means here. `vitest -u` writes the `.json` of a new one.
 */
import { decodeConntrack, decodeInetDiag, encodeConntrack } from "@conntrail/netlink";
import { describe, expect, test } from "vitest";
import { fixtures } from "./bytes.ts";
import { readable } from "./readable.ts";

describe("messages of ctnetlink, as a kernel sent them", () => {
  test.each(fixtures("ctnetlink"))("$name", async ({ bytes, json }) => {
    await expect(readable(decodeConntrack(bytes))).toMatchFileSnapshot(json);
  });
});

describe("messages of sock_diag, as a kernel sent them", () => {
  test.each(fixtures("sock-diag"))("$name", async ({ bytes, json }) => {
    await expect(readable(decodeInetDiag(bytes))).toMatchFileSnapshot(json);
  });
});

describe("what is encoded from a kernel's message means the same again", () => {
  test.each(fixtures("ctnetlink"))("$name", ({ bytes }) => {
    const value = decodeConntrack(bytes);
    expect(decodeConntrack(encodeConntrack(value))).toEqual(value);
  });
});

test("every fixture is told apart from the others by its value", () => {
  const values = fixtures("ctnetlink").map(({ bytes }) => readable(decodeConntrack(bytes)));
  expect(new Set(values).size).toBe(values.length);
  expect(values.length).toBeGreaterThan(30);
});
