/** Errors as data: what survives a thread. */
import { fromFailure, toFailure } from "@conntrail/thread";
import fc from "fast-check";
import { expect, test } from "vitest";

const across = (error: unknown): Error => fromFailure(structuredClone(toFailure(error)));

test("an error keeps its name, message, stack, fields and the chain of its causes", () => {
  const root = Object.assign(new RangeError("expected 2 bytes, got 1"), {
    name: "DecodeError",
    code: "truncated",
    offset: 12,
    path: "tuple-orig: proto",
  });
  const error = Object.assign(new Error("receive failed", { cause: root }), {
    name: "OpError",
    op: "receive",
    errno: "ENOBUFS",
  });
  const arrived = across(error);
  expect(arrived).toBeInstanceOf(Error);
  expect(arrived).toMatchObject({
    name: "OpError",
    message: "receive failed",
    op: "receive",
    errno: "ENOBUFS",
    stack: error.stack,
  });
  expect(arrived.cause).toMatchObject({
    name: "DecodeError",
    code: "truncated",
    offset: 12,
    path: "tuple-orig: proto",
  });
  expect(Object.keys(arrived)).not.toContain("name"); // as in an Error made here
});

test("a ring of causes is cut", () => {
  const ring = new Error("ring");
  ring.cause = ring;
  let depth = 0;
  for (let at: unknown = across(ring); at instanceof Error; at = at.cause) depth++;
  expect(depth).toBe(9);
});

test("whatever is thrown becomes an error with a message", () => {
  fc.assert(
    fc.property(fc.anything(), (thrown) => {
      expect(across(thrown)).toBeInstanceOf(Error);
      expect(typeof across(thrown).message).toBe("string");
    }),
  );
  expect(across("a bare string")).toMatchObject({ name: "NonError", message: "a bare string" });
});
