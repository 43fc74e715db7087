/** The two files of the system that say something about names. */
import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { knows, scripted } from "./scripted.ts";

test("S15 the hosts file comes first: its names are there at the first look and nobody is asked", () => {
  const { get, pass, asked, resolver } = scripted(knows({ "9.0.0.10.in-addr.arpa": "dns.test" }), {
    hosts:
      "# comment\n127.0.0.1\tlocalhost\n10.0.0.9  web.test. web # the shop\n\n::1 localhost ip6-localhost\nfe80::1%eth0 router\n",
  });
  expect(get("10.0.0.9")).toEqual(["web.test", "web"]);
  expect(get("127.0.0.1")).toEqual(["localhost"]);
  expect(get("::1")).toEqual(["localhost", "ip6-localhost"]);
  expect(get("fe80::1")).toEqual(["router"]);
  pass(60_000);
  expect(asked).toEqual([]);
  expect(resolver.health()).toMatchObject({ hosts: 4, hits: 4, hostsMalformed: 0 });
});

test("lines of one address add up to a bounded list of names; what cannot be read is counted and skipped", () => {
  const blocked = Array.from({ length: 1_000 }, (_, i) => `10.0.0.9 ad${i}.test`).join("\n");
  const { get, resolver } = scripted(knows({}), {
    hosts: `10.0.0.8 a\n10.0.0.8 b a\nnonsense\n10.0.0\n10.0.0.7 b\u0007d ok\n${blocked}`,
  });
  expect(get("10.0.0.8")).toEqual(["a", "b"]);
  expect(get("10.0.0.7")).toEqual(["ok"]);
  expect(get("10.0.0.9")).toHaveLength(16);
  expect(resolver.health().hostsMalformed).toBe(3);
});

test("a changed hosts file is seen within the poll time, also when it was replaced; names from it win over those from a server", () => {
  const { get, pass, hostsFile } = scripted(knows({ "9.0.0.10.in-addr.arpa": "dns.test" }));
  get("10.0.0.9");
  pass(1_000);
  expect(get("10.0.0.9")).toEqual(["dns.test"]);
  writeFileSync(`${hostsFile}.new`, "10.0.0.9 by-hand\n");
  renameSync(`${hostsFile}.new`, hostsFile);
  pass(6_000);
  expect(get("10.0.0.9")).toEqual(["by-hand"]);
  writeFileSync(hostsFile, "10.0.0.9 BY-hand\n"); // the same inode and size
  utimesSync(hostsFile, 1, 1);
  pass(6_000);
  expect(get("10.0.0.9")).toEqual(["BY-hand"]);
  rmSync(hostsFile);
  pass(6_000);
  expect(get("10.0.0.9")).toEqual(["dns.test"]);
});

test("a file that cannot be read is counted; there are no names from it, and all else goes on", () => {
  const { get, pass, hostsFile, resolver } = scripted(knows({ "9.0.0.10.in-addr.arpa": "dns.test" }), {
    hosts: "10.0.0.9 x\n",
  });
  rmSync(hostsFile);
  mkdirSync(hostsFile); // EISDIR, for root too
  pass(6_000);
  expect(resolver.health()).toMatchObject({ fileErrors: 1, hosts: 0 });
  get("10.0.0.9");
  pass(1_000);
  expect(get("10.0.0.9")).toEqual(["dns.test"]);
});

test("without a server it says so and gives what the hosts file has; servers that appear in resolv.conf are used", () => {
  const { get, pass, asked, resolver, resolvConf } = scripted(knows({}), {
    conf: "# empty\nsearch corp.test\n",
    hosts: "10.0.0.1 one\n",
  });
  expect(get("10.0.0.1")).toEqual(["one"]);
  expect(get("10.0.0.9")).toBeUndefined();
  expect(resolver.health()).toMatchObject({ state: "degraded", reason: "no-server", pending: 0 });
  writeFileSync(resolvConf, "nameserver 192.0.2.7\nnameserver bogus\nnameserver 2001:db8::7\n");
  pass(6_000);
  get("10.0.0.9");
  pass(1_000);
  expect(asked.map(({ server }) => server)).toEqual(["192.0.2.7"]);
  expect(resolver.health()).toMatchObject({ state: "ok", reason: null });
});

test("servers given as an option are asked instead of those in resolv.conf", () => {
  const { get, pass, asked } = scripted(knows({}), { servers: ["192.0.2.1:5300"] });
  get("10.0.0.9");
  pass(1_000);
  expect(asked.map(({ server }) => server)).toEqual(["192.0.2.1:5300"]);
});
