/** What holds for every answer and every file, whatever is in it. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { writeAnswer } from "./dns-bytes.ts";
import { scripted } from "./scripted.ts";

const LEGIT = { answers: [{ ptr: "shop.test", ttl: 60 }], soa: { ttl: 60, minimum: 60 } };
const HOST_NAME = /^[A-Za-z0-9_.-]{1,253}$/;

test("any bytes as an answer give host names, no name, or a count; never a throw, and the resolver goes on", () => {
  const damage = fc.array(fc.tuple(fc.nat(160), fc.nat(255)), { maxLength: 6 });
  fc.assert(
    fc.property(
      fc.nat(170),
      damage,
      fc.uint8Array({ maxLength: 40 }),
      fc.boolean(),
      (length, writes, noise, keepId) => {
        const { get, pass, resolver } = scripted((question) => {
          if (question.name.startsWith("8.")) return LEGIT;
          const bytes = Buffer.concat([writeAnswer(question, LEGIT).subarray(0, length), noise]);
          for (const [at, value] of writes) if (at < bytes.length) bytes[at] = value;
          if (keepId && bytes.length > 1) bytes.writeUInt16BE(question.id);
          return { bytes };
        });
        get("10.0.0.9");
        pass(10_000);
        for (const name of get("10.0.0.9") ?? []) expect(name).toMatch(HOST_NAME);
        const { malformed, truncated, unexpected, serverFailures, lookups, failures } = resolver.health();
        expect(lookups).toBe(1);
        if (failures === 1) expect(malformed + truncated + unexpected + serverFailures).toBeGreaterThan(0);
        get("10.0.0.8");
        pass(10_000);
        expect(get("10.0.0.8")).toEqual(["shop.test"]);
      },
    ),
    { numRuns: 300 },
  );
});

test("any text as a hosts file gives host names or a count, never a throw", () => {
  const word = fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.constantFrom("#", "10.0.0.9", "\t", "a.b", "::1"));
  fc.assert(
    fc.property(fc.array(fc.array(word)), (lines) => {
      const hosts = `${lines.map((words) => words.join(" ")).join("\n")}\n10.0.0.9 last\n`;
      const { get } = scripted(() => undefined, { hosts });
      const names = get("10.0.0.9")!;
      expect(names.length).toBeGreaterThan(0);
      for (const name of names) expect(name).toMatch(HOST_NAME);
    }),
    { numRuns: 200 },
  );
});

test("a cut answer that TCP does not complete is used for the names it has, and is a failure when it has none", () => {
  const { get, pass, resolver } = scripted(({ name }) =>
    name.startsWith("9.") ? { ...LEGIT, truncated: true } : { truncated: true },
  );
  get("10.0.0.9");
  get("10.0.0.8");
  pass(10_000);
  expect(get("10.0.0.9")).toEqual(["shop.test"]);
  expect(get("10.0.0.8")).toBeUndefined();
  expect(resolver.health()).toMatchObject({ lookups: 2, failures: 1, truncated: 3 });
});
