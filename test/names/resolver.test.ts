/** What a report sees of reverse DNS: names later, never a wait. In virtual time, with scripted servers. */
import { parseAddress } from "@conntrail/model";
import { expect, test } from "vitest";
import { RCODE } from "./dns-bytes.ts";
import { knows, nthAddress, ROUND_TRIP_MS, scripted } from "./scripted.ts";

const SHOP = { "9.0.0.10.in-addr.arpa": "shop.test." };
const MINUTE = 60_000;

test("S15 an address has no name at the first look and has it in a later one, without its trailing dot", () => {
  const { get, pass, resolver } = scripted(knows(SHOP));
  expect(get("10.0.0.9")).toBeUndefined();
  pass(1_000);
  expect(get("10.0.0.9")).toEqual(["shop.test"]);
  expect(resolver.health()).toMatchObject({
    state: "ok",
    reason: null,
    cached: 1,
    pending: 0,
    requests: 2,
    hits: 1,
    lookups: 1,
    failures: 0,
  });
});

test("F41 the question is the complete reverse name and nothing else, for IPv4 and IPv6", () => {
  const types: number[] = [];
  const { get, pass, asked } = scripted(
    ({ type }) => {
      types.push(type);
      return { rcode: RCODE.nxDomain };
    },
    { conf: "search corp.test lab.test\nnameserver 192.0.2.53\noptions ndots:5\n" },
  );
  get("10.1.2.3");
  get("2001:db8::567:89ab");
  pass(MINUTE);
  expect(asked.map(({ name }) => name)).toEqual([
    "3.2.1.10.in-addr.arpa",
    "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", // the example of RFC 3596 2.5
  ]);
  expect(types).toEqual([12, 12]); // T_PTR
});

test("S15 looks at one address before its answer make one question", () => {
  const { get, pass, asked, resolver } = scripted(knows(SHOP));
  for (let i = 0; i < 100; i++) get("10.0.0.9");
  expect(resolver.health().pending).toBe(1);
  pass(50 + ROUND_TRIP_MS - 1); // asked, not yet answered
  expect(asked).toHaveLength(1);
  for (let i = 0; i < 100; i++) get("10.0.0.9");
  pass(MINUTE);
  expect(asked).toHaveLength(1);
});

test("S15 looks are gathered for the debounce time before the first question", () => {
  const { get, pass, asked } = scripted(knows(SHOP), { debounceMs: 80 });
  get("10.0.0.9");
  pass(79);
  get("10.0.0.8");
  expect(asked).toHaveLength(0);
  pass(1);
  expect(asked.map(({ atMs }) => atMs)).toEqual([80, 80]);
});

test("S15 an address without a name is remembered as such", () => {
  const { get, pass, asked, resolver } = scripted(knows({}));
  get("10.0.0.9");
  pass(1_000);
  for (let i = 0; i < 10; i++) {
    expect(get("10.0.0.9")).toBeUndefined();
    pass(1_000);
  }
  expect(asked).toHaveLength(1);
  expect(resolver.health()).toMatchObject({ hits: 10, lookups: 1, failures: 0, state: "ok" });
});

test.each([
  { what: "its record's time to live", ttl: 120, waitsMs: 120_000 },
  { what: "30 minutes when the record says longer", ttl: 86_400, waitsMs: 30 * MINUTE },
  { what: "half a minute when the record says less", ttl: 0, waitsMs: 30_000 },
])("S15 a name is asked for again after $what, and stays until the new answer", ({ ttl, waitsMs }) => {
  const { get, pass, asked } = scripted(({ nth }) => ({ answers: [{ ptr: `v${nth}.test`, ttl }] }));
  get("10.0.0.9");
  pass(waitsMs);
  expect(get("10.0.0.9")).toEqual(["v0.test"]);
  expect(asked).toHaveLength(1);
  pass(2_000);
  expect(get("10.0.0.9")).toEqual(["v0.test"]); // the report does not wait, and does not lose the name either
  pass(1_000);
  expect(get("10.0.0.9")).toEqual(["v1.test"]);
});

test.each([
  { what: "for the SOA's minimum", soa: { ttl: 900, minimum: 60 }, waitsMs: 60_000 },
  { what: "for the SOA's own time to live when that is shorter", soa: { ttl: 45, minimum: 600 }, waitsMs: 45_000 },
  { what: "for 10 minutes when it says longer", soa: { ttl: 86_400, minimum: 86_400 }, waitsMs: 10 * MINUTE },
])("S15 the lack of a name is remembered $what (RFC 2308)", ({ soa, waitsMs }) => {
  const { get, pass, asked } = scripted(() => ({ rcode: RCODE.nxDomain, soa }));
  get("10.0.0.9");
  pass(waitsMs);
  get("10.0.0.9");
  expect(asked).toHaveLength(1);
  pass(2_000);
  get("10.0.0.9");
  pass(100);
  expect(asked).toHaveLength(2);
});

test("S15 the cache is bounded: the address least recently looked at gives way, and that is counted", () => {
  const { get, pass, asked, resolver } = scripted(
    ({ name }) => ({ answers: [{ ptr: `n${name.split(".")[0]}.test`, ttl: 3_600 }] }),
    {
      cacheSize: 3,
    },
  );
  for (const n of [1, 2, 3]) get(nthAddress(n));
  pass(1_000);
  get(nthAddress(1)); // 2 is now the one not looked at for longest
  get(nthAddress(4));
  pass(1_000);
  expect(resolver.health()).toMatchObject({ cached: 3, evicted: 1 });
  expect([1, 3, 4].map((n) => get(nthAddress(n)))).toEqual([["n1.test"], ["n3.test"], ["n4.test"]]);
  expect(asked).toHaveLength(4);
  expect(get(nthAddress(2))).toBeUndefined();
});

test("all names of an address are given, in the server's order and once each", () => {
  const { get, pass } = scripted(() => ({
    answers: [
      { ptr: "b.test", ttl: 60 },
      { ptr: "a.test", ttl: 60 },
      { ptr: "b.test", ttl: 60 },
    ],
  }));
  get("10.0.0.9");
  pass(1_000);
  expect(get("10.0.0.9")).toEqual(["b.test", "a.test"]);
});

test("an address delegated by CNAME (RFC 2317) has the names of its alias, for the shortest time on the way", () => {
  const alias = "9.0-15.0.0.10.in-addr.arpa";
  const { get, pass, asked } = scripted(() => ({
    answers: [
      { cname: alias, ttl: 40 },
      { owner: alias, ptr: "leased.test", ttl: 3_600 },
      { owner: "elsewhere.test", ptr: "stranger.test", ttl: 3_600 },
    ],
  }));
  get("10.0.0.9");
  pass(1_000);
  expect(get("10.0.0.9")).toEqual(["leased.test"]);
  pass(41_000);
  get("10.0.0.9");
  pass(1_000);
  expect(asked).toHaveLength(2);
});

test("names that are not host names never come through, and are counted", () => {
  const evil = ["\u001b[31mred.test", "a b.test", "<script>.test", "x".repeat(63)];
  const { get, pass, resolver } = scripted(() => ({ answers: evil.map((ptr) => ({ ptr, ttl: 60 })) }));
  get("10.0.0.9");
  pass(1_000);
  expect(get("10.0.0.9")).toEqual(["x".repeat(63)]);
  expect(resolver.health().malformed).toBe(3);
});

test("what became of a question can be asked: whom, how often, and how it ended", () => {
  const { get, pass, resolver } = scripted(
    ({ server, name }) => {
      if (name.startsWith("9.")) return { rcode: RCODE.nxDomain };
      return server === "192.0.2.53" ? { rcode: RCODE.serverFailure } : undefined;
    },
    { conf: "nameserver 192.0.2.53\nnameserver 192.0.2.54\n", attemptTimeoutMs: 500 },
  );
  const inquiry = (address: string): unknown => resolver.inquiry(parseAddress(address)!, 0);
  expect(inquiry("10.0.0.9")).toBeUndefined();
  get("10.0.0.9");
  expect(inquiry("10.0.0.9")).toEqual({ outcome: "waiting", servers: [], queries: 0 });
  pass(1_000);
  expect(inquiry("10.0.0.9")).toEqual({ outcome: "none", servers: ["192.0.2.53"], queries: 1 });
  get("10.0.0.8");
  pass(100);
  expect(inquiry("10.0.0.8")).toEqual({ outcome: "waiting", servers: ["192.0.2.53", "192.0.2.54"], queries: 2 });
  pass(1_000);
  const servers = ["192.0.2.53", "192.0.2.54"];
  expect(inquiry("10.0.0.8")).toEqual({ outcome: "failed", failure: "timeout", servers, queries: 2 });
  expect(inquiry("127.0.0.1")).toEqual({ outcome: "not-asked", servers: [], queries: 0 });
  expect(resolver.health()).toMatchObject({ lookups: 2, failures: 1 });
});

test("addresses that mean something else on every host are never asked for", () => {
  const { get, pass, asked, resolver } = scripted(knows({}));
  const own = ["127.0.0.1", "127.3.2.1", "::1", "0.0.0.0", "0.1.2.3", "::", "169.254.1.2", "fe80::1", "febf::1"];
  const many = ["224.0.0.251", "239.255.255.250", "255.255.255.255", "240.0.0.1", "ff02::fb"];
  for (const address of [...own, ...many]) expect(get(address)).toBeUndefined();
  pass(MINUTE);
  expect(asked).toEqual([]);
  expect(resolver.health()).toMatchObject({ pending: 0, lookups: 0, dropped: 0 });
  for (const address of ["169.253.1.1", "223.255.255.254", "fec0::1", "fd00::1", "2001:db8::1"]) get(address);
  pass(MINUTE);
  expect(asked).toHaveLength(5);
});

test("switched off it asks nobody, reads no file and says so", () => {
  const { get, pass, asked, resolver } = scripted(knows(SHOP), { enabled: false, hosts: "10.0.0.9 shop\n" });
  expect(get("10.0.0.9")).toBeUndefined();
  pass(MINUTE);
  expect(asked).toEqual([]);
  expect(resolver.health()).toMatchObject({ state: "off", reason: "switched-off", requests: 1, hosts: 0 });
});

test("after close() nothing is asked any more, and what is known is still given", async () => {
  const { get, pass, asked, resolver } = scripted(knows(SHOP));
  get("10.0.0.9");
  pass(1_000);
  get("10.0.0.8");
  const closed = resolver.close();
  get("10.0.0.7");
  pass(MINUTE);
  await closed;
  await resolver.close();
  expect(asked).toHaveLength(1);
  expect(get("10.0.0.9")).toEqual(["shop.test"]);
});

test.each([
  { queriesPerSecond: 0 },
  { cacheSize: 1.5 },
  { backlog: Number.NaN },
  { attemptTimeoutMs: Number.POSITIVE_INFINITY },
  { servers: ["ns.test"] },
  { servers: ["192.0.2.1:70000"] },
])("an option out of range (%o) is refused at once", (options) => {
  expect(() => scripted(knows({}), options)).toThrow(RangeError);
});
