/** Answers and files of the field (F64, RFC 7766): long chains, lengths that lie, answers over TCP, blocklists. */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { parseAddress } from "@conntrail/model";
import { createResolver, type Resolver } from "@conntrail/names";
import { describe, expect, onTestFinished, test } from "vitest";
import { readQuestion, writeAnswer } from "./dns-bytes.ts";
import { knows, scripted } from "./scripted.ts";
import { udpServer } from "./udp-server.ts";

const PATIENTLY = { timeout: 15_000 };
const OWNER = "9.0.0.10.in-addr.arpa";

/** A chain of aliases from the question to the one name. */
function chain(length: number) {
  const owners = [OWNER, ...Array.from({ length }, (_, i) => `hop${i}.test`)];
  const aliases = owners.slice(0, -1).map((owner, i) => ({ owner, cname: owners[i + 1]!, ttl: 60 }));
  return { answers: [...aliases, { owner: owners.at(-1)!, ptr: "end.test", ttl: 60 }] };
}

describe("aliases", () => {
  test("up to eight lead to the name; more are an answer that failed, and no word that there is no name", () => {
    const short = scripted(() => chain(8));
    short.get("10.0.0.9");
    short.pass(1_000);
    expect(short.get("10.0.0.9")).toEqual(["end.test"]);
    const long = scripted(() => chain(9), { attempts: 1 });
    long.get("10.0.0.9");
    long.pass(1_000);
    expect(long.get("10.0.0.9")).toBeUndefined();
    expect(long.resolver.health()).toMatchObject({ failures: 1, malformed: 1 });
  });

  test("a loop of them is one too", () => {
    const answers = [
      { cname: "a.test", ttl: 60 },
      { owner: "a.test", cname: OWNER, ttl: 60 },
    ];
    const { get, pass, resolver } = scripted(() => ({ answers }), { attempts: 1 });
    get("10.0.0.9");
    pass(1_000);
    expect(resolver.health()).toMatchObject({ failures: 1, malformed: 1 });
  });
});

test("a record whose length runs past the message makes the answer malformed, though its name could be read", () => {
  const { get, pass, resolver } = scripted(
    (question) => {
      const bytes = writeAnswer(question, { answers: [{ ptr: "end.test", ttl: 60 }] });
      const length = "end.test".length + 2;
      new DataView(bytes.buffer, bytes.byteOffset).setUint16(bytes.length - length - 2, length + 40);
      return { bytes };
    },
    { attempts: 1 },
  );
  get("10.0.0.9");
  pass(1_000);
  expect([get("10.0.0.9"), resolver.health().malformed]).toEqual([undefined, 1]);
});

/** Answers each question over TCP at a port, in two pieces; closed when the test is over. */
async function tcpServer(port: number, answering: (socket: Socket, bytes: Buffer) => void): Promise<Server> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("data", (bytes) => answering(socket, bytes.subarray(2))).on("error", () => {});
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return server;
}

function resolverFor(server: string): Resolver {
  const resolver = createResolver({ servers: [server], hostsFile: "/nonexistent", debounceMs: 5, attempts: 1 });
  onTestFinished(() => resolver.close());
  return resolver;
}

describe("a truncated answer", () => {
  const truncated = (names: readonly string[]) => ({
    answers: names.map((ptr) => ({ ptr, ttl: 60 })),
    truncated: true,
  });

  test("is asked for again over TCP, however the answer is cut into segments", async () => {
    const udp = await udpServer((question) => [writeAnswer(question, truncated(["one.test"]))]);
    const port = Number(udp!.server.split(":")[1]);
    await tcpServer(port, (socket, bytes) => {
      const answers = Array.from({ length: 12 }, (_, i) => ({ ptr: `name${i}.test`, ttl: 60 }));
      const message = writeAnswer(readQuestion(bytes), { answers });
      socket.write(Uint8Array.of(message.length >> 8));
      setTimeout(() => socket.write(Buffer.concat([Uint8Array.of(message.length & 0xff), message])), 20);
    });
    const resolver = resolverFor(udp!.server);
    resolver.get(parseAddress("10.0.0.9")!, 0);
    await expect.poll(() => resolver.get(parseAddress("10.0.0.9")!, 0)?.length, PATIENTLY).toBe(12);
    expect(resolver.health()).toMatchObject({ queries: 2, truncated: 1, lookups: 1, failures: 0 });
    expect(udp!.asked).toHaveLength(1);
  });

  for (const [what, answering] of [
    ["is not there", undefined],
    ["hangs up", (socket: Socket) => socket.destroy()],
  ] as const) {
    test(`does with the names that it has when the server ${what} by TCP`, async () => {
      const udp = await udpServer((question) => [writeAnswer(question, truncated(["one.test", "two.test"]))]);
      if (answering !== undefined) await tcpServer(Number(udp!.server.split(":")[1]), answering);
      const resolver = resolverFor(udp!.server);
      resolver.get(parseAddress("10.0.0.9")!, 0);
      const names = () => resolver.get(parseAddress("10.0.0.9")!, 0);
      await expect.poll(names, PATIENTLY).toEqual(["one.test", "two.test"]);
      expect(resolver.health()).toMatchObject({ truncated: 1, failures: 0 });
    });
  }

  test("without any name and without TCP is a failure", () => {
    const { get, pass, resolver } = scripted(() => ({ truncated: true }), { attempts: 1 });
    get("10.0.0.9");
    pass(1_000);
    expect(resolver.health()).toMatchObject({ failures: 1, truncated: 1, queries: 2 });
  });
});

describe("F64 a hosts file that is a blocklist", () => {
  const blocked = Array.from({ length: 200_000 }, (_, i) => `0.0.0.0 ad${i}.example.com`);
  const looped = Array.from({ length: 200_000 }, (_, i) => `127.0.0.1 track${i}.example.com`);

  test("renames neither the loopback nor anything else, and what it says of other hosts counts", () => {
    const hosts = `127.0.0.1 localhost localhost.localdomain\n127.0.1.1 shop\n10.0.0.9 web\n${blocked.join("\n")}\n${looped.join("\n")}\n`;
    const { get, resolver } = scripted(knows({}), { hosts });
    expect(get("127.0.0.1")).toEqual(["localhost", "localhost.localdomain"]);
    expect(get("127.0.1.1")).toEqual(["shop"]);
    expect(get("0.0.0.0")).toBeUndefined();
    expect(get("10.0.0.9")).toEqual(["web"]);
    expect(resolver.health()).toMatchObject({ hosts: 3, hostsMalformed: 0, fileErrors: 0 });
  });

  test("and one without any other line leaves the loopback without a name", () => {
    expect(scripted(knows({}), { hosts: looped.join("\n") }).get("127.0.0.1")).toBeUndefined();
  });
});
