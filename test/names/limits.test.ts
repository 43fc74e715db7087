/** What leaves the host, and what happens when nothing comes back. In virtual time, with scripted servers. */
import { expect, test } from "vitest";
import { type Question, RCODE } from "./dns-bytes.ts";
import { knows, nthAddress, type Script, scripted } from "./scripted.ts";

const MINUTE = 60_000;
const silent: Script = () => undefined;

/** The most that fell into any stretch of `windowMs`. */
function busiest(asked: readonly { readonly atMs: number }[], windowMs: number): number {
  return Math.max(
    ...asked.map(({ atMs }) => asked.filter((other) => other.atMs >= atMs && other.atMs < atMs + windowMs).length),
  );
}

test("S15 F41 at most 10 questions leave in any second and 300 in any minute, however many addresses are wanted", () => {
  const { get, pass, asked } = scripted(knows({}));
  for (let second = 0; second < 180; second++) {
    for (let n = 0; n < 50; n++) get(nthAddress(second * 50 + n));
    pass(1_000);
  }
  expect(busiest(asked, 1_000)).toBe(10);
  expect(busiest(asked, MINUTE)).toBe(300);
  expect(asked.length).toBeGreaterThan(890); // and the budget is used: three minutes' worth
});

test("S15 the limits are options", () => {
  const { get, pass, asked } = scripted(knows({}), { queriesPerSecond: 3, queriesPerMinute: 20 });
  for (let n = 0; n < 100; n++) get(nthAddress(n));
  pass(2 * MINUTE);
  expect(busiest(asked, 1_000)).toBe(3);
  expect(busiest(asked, MINUTE)).toBe(20);
});

test("S15 a full backlog drops, counts and says so; what was dropped may come again", () => {
  const { get, pass, asked, resolver } = scripted(knows({}), { backlog: 100, queriesPerSecond: 100 });
  for (let n = 0; n < 150; n++) get(nthAddress(n));
  expect(resolver.health()).toMatchObject({ pending: 100, dropped: 50, state: "degraded", reason: "backlog-full" });
  pass(5_000);
  expect(resolver.health()).toMatchObject({ pending: 0, lookups: 100 });
  get(nthAddress(149));
  pass(MINUTE);
  expect(asked.at(-1)?.name).toBe("149.0.0.10.in-addr.arpa");
  expect(resolver.health()).toMatchObject({ dropped: 50, state: "ok", reason: null });
});

test("F41 repeated questions count like first ones: a silent server does not raise the rate", () => {
  const { get, pass, asked } = scripted(silent, {
    queriesPerSecond: 4,
    attempts: 5,
    timeoutsToOpen: 1_000,
    concurrency: 100,
  });
  for (let n = 0; n < 100; n++) get(nthAddress(n));
  pass(MINUTE);
  expect(busiest(asked, 1_000)).toBe(4);
});

test("so many questions are open at once and no more", () => {
  const { get, pass, asked } = scripted(silent, {
    concurrency: 3,
    attempts: 1,
    timeoutsToOpen: 1_000,
    queriesPerSecond: 100,
  });
  for (let n = 0; n < 100; n++) get(nthAddress(n));
  pass(1_000);
  expect(asked).toHaveLength(3);
  pass(1_100); // the first three have timed out
  expect(asked).toHaveLength(6);
});

test("a silent server is asked again once per lookup, and the lookup ends as failed", () => {
  const { get, pass, asked, resolver } = scripted(silent);
  get("10.0.0.9");
  pass(10_000);
  expect(asked.map(({ atMs }) => atMs)).toEqual([50, 2_050]);
  expect(resolver.health()).toMatchObject({ lookups: 1, failures: 1, timeouts: 2, pending: 0 });
  get("10.0.0.9");
  pass(10_000);
  expect(asked).toHaveLength(2); // a failure is remembered for a minute
  pass(45_000);
  get("10.0.0.9");
  pass(1_000);
  expect(asked).toHaveLength(3);
});

test("a lookup has a deadline, whatever attempts are left", () => {
  const { get, pass, asked, resolver } = scripted(silent, { attempts: 10, lookupDeadlineMs: 3_000 });
  get("10.0.0.9");
  pass(3_050);
  expect(asked.map(({ atMs }) => atMs)).toEqual([50, 2_050]);
  expect(resolver.health()).toMatchObject({ failures: 1, pending: 0 });
});

test("the next server is asked when one is silent, fails or is not there; the one that answered is asked first from then on", () => {
  const script: Script = ({ server }) => {
    if (server === "192.0.2.1") return undefined;
    if (server === "192.0.2.2") return { rcode: RCODE.serverFailure };
    if (server === "192.0.2.3:5353") return { error: new Error("connection refused") };
    return { answers: [{ ptr: "found.test", ttl: 60 }] };
  };
  const servers = ["192.0.2.1", "192.0.2.2", "192.0.2.3:5353", "[2001:db8::53]:53"];
  const { get, pass, asked, resolver } = scripted(script, { servers, attempts: 4 });
  get("10.0.0.9");
  pass(5_000);
  expect(get("10.0.0.9")).toEqual(["found.test"]);
  expect(asked.map(({ server }) => server)).toEqual(["192.0.2.1", "192.0.2.2", "192.0.2.3:5353", "2001:db8::53"]);
  expect(resolver.health()).toMatchObject({ timeouts: 1, serverFailures: 1, unreachable: 1, failures: 0, queries: 4 });
  get("10.0.0.8");
  pass(1_000);
  expect(asked.at(-1)?.server).toBe("2001:db8::53");
});

test("a name outlives the server that gave it", () => {
  const { get, pass } = scripted(({ nth }) => (nth === 0 ? { answers: [{ ptr: "old.test", ttl: 60 }] } : undefined));
  get("10.0.0.9");
  for (let minute = 0; minute < 10; minute++) {
    pass(MINUTE);
    expect(get("10.0.0.9")).toEqual(["old.test"]);
  }
});

test("after some timeouts in a row the servers are only probed, ever more rarely; one answer and all is well", () => {
  let up = false;
  const { get, pass, asked, resolver } = scripted(() => (up ? { rcode: RCODE.nxDomain } : undefined));
  for (let n = 0; n < 500; n++) get(nthAddress(n));
  pass(5 * MINUTE);
  expect(resolver.health()).toMatchObject({ state: "degraded", reason: "timeouts" });
  const sent = asked.length;
  expect(sent).toBeLessThan(30);
  const gaps = asked.slice(-4).map(({ atMs }, i, last) => atMs - (last[i - 1]?.atMs ?? atMs));
  expect(gaps[3]).toBe(62_000); // a minute after the last probe's timeout
  up = true;
  pass(2 * MINUTE);
  expect(resolver.health()).toMatchObject({ state: "ok", reason: null });
  expect(asked.length - sent).toBeGreaterThan(100); // and the full rate is back
});

test("questions that were open when the servers fell silent do not make the probes rarer", () => {
  const { get, pass, asked } = scripted(silent, { concurrency: 10, attempts: 1 });
  for (let n = 0; n < 100; n++) get(nthAddress(n));
  pass(2_100); // ten have timed out; four of them let others go before the fifth opened the circuit
  expect(asked).toHaveLength(14);
  pass(2_000); // those four have, too, and the first probe was sent
  expect(asked).toHaveLength(15);
  pass(2_000 + 2_000); // the probe has timed out, and the interval has doubled once
  expect(asked).toHaveLength(16);
});

test.each([
  { what: "garbage", bytes: Uint8Array.of(1, 2, 3), health: { malformed: 1 } },
  { what: "an answer to somebody else", bytes: new Uint8Array(12), health: { unexpected: 1 } },
])("$what out of the blue is counted and changes nothing", ({ bytes, health }) => {
  const { get, pass, intrude, resolver } = scripted(silent);
  get("10.0.0.9");
  pass(100);
  intrude("192.0.2.53", bytes);
  expect(resolver.health()).toMatchObject({ pending: 1, failures: 0, ...health });
});

test.each([
  { what: "from another server", forge: () => ({ from: "198.51.100.66" }) },
  { what: "to another question", forge: (q: Question) => ({ to: { ...q, name: "8.0.0.10.in-addr.arpa" } }) },
  { what: "with another id", forge: (q: Question) => ({ to: { ...q, id: q.id ^ 1 } }) },
  { what: "of another type", forge: (q: Question) => ({ to: { ...q, type: 1 } }) },
])("an answer $what is not believed, and the true one still is", ({ forge }) => {
  const forged = { answers: [{ ptr: "forged.test", ttl: 60 }] };
  const { get, pass, resolver } = scripted((question) =>
    question.nth === 0 ? { ...forged, ...forge(question) } : { answers: [{ ptr: "true.test", ttl: 60 }] },
  );
  get("10.0.0.9");
  pass(1_000);
  expect(get("10.0.0.9")).toBeUndefined();
  expect(resolver.health()).toMatchObject({ unexpected: 1, pending: 1 });
  pass(2_000);
  expect(get("10.0.0.9")).toEqual(["true.test"]);
});
