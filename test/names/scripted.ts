/** A resolver in virtual time, with servers that follow a script and files of its own. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAddress } from "@conntrail/model";
import { createResolver, type Resolver, type ResolverOptions, type TransportEvents } from "@conntrail/names";
import { VirtualTimeScheduler } from "rxjs";
import { onTestFinished } from "vitest";
import { type Answer, type Question, readQuestion, writeAnswer } from "./dns-bytes.ts";

/** What a server does with a question: answers it, sends bytes of any kind, is not there, or (`undefined`) stays silent. */
type Reaction = (Answer & Forged) | { readonly bytes: Uint8Array } | { readonly error: Error } | undefined;
/** An answer as if from another server, or to another question. */
interface Forged {
  readonly from?: string;
  readonly to?: Question;
}
export type Script = (question: Question & { readonly server: string; readonly nth: number }) => Reaction;

/** How long the scripted servers take for an answer. */
export const ROUND_TRIP_MS = 5;

export interface Scripted {
  readonly resolver: Resolver;
  /** What has arrived at the servers so far. */
  readonly asked: readonly { readonly atMs: number; readonly server: string; readonly name: string }[];
  readonly hostsFile: string;
  readonly resolvConf: string;
  get(address: string): readonly string[] | undefined;
  /** Lets so much virtual time go by. */
  pass(ms: number): void;
  /** Bytes that no question has asked for. */
  intrude(server: string, bytes: Uint8Array): void;
}

/** The files hold `hosts` and `resolvConf`; without `servers` in the options those of resolv.conf are asked. */
export function scripted(
  script: Script,
  options: Partial<ResolverOptions> & { readonly hosts?: string; readonly conf?: string } = {},
): Scripted {
  const { hosts = "", conf = "nameserver 192.0.2.53\n", ...rest } = options;
  const folder = mkdtempSync(join(tmpdir(), "conntrail-names-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [hostsFile, resolvConf] = [join(folder, "hosts"), join(folder, "resolv.conf")];
  writeFileSync(hostsFile, hosts);
  writeFileSync(resolvConf, conf);

  const clock = new VirtualTimeScheduler(undefined, 0);
  const asked: { atMs: number; server: string; name: string }[] = [];
  let events: TransportEvents | undefined;
  const resolver = createResolver({
    hostsFile,
    resolvConf,
    clock,
    transport: (to) => {
      events = to;
      return {
        send(server, bytes) {
          const question = readQuestion(bytes);
          const name = `${server.address}${server.port === 53 ? "" : `:${server.port}`}`;
          const reaction = script({ ...question, server: name, nth: asked.length });
          asked.push({ atMs: clock.now(), server: name, name: question.name });
          if (reaction === undefined) return;
          clock.schedule(() => {
            if ("error" in reaction) to.failed(server, reaction.error);
            else if ("bytes" in reaction) to.received(server, reaction.bytes);
            else {
              const { from = server.address, to: answered = question } = reaction;
              to.received({ ...server, address: from }, writeAnswer(answered, reaction));
            }
          }, ROUND_TRIP_MS);
        },
        sendWhole: (server, bytes) => void clock.schedule(() => to.notWhole(server, bytes), ROUND_TRIP_MS),
        retain() {},
        ports: () => [],
        close: async () => {},
      };
    },
    ...rest,
  });
  onTestFinished(() => resolver.close());
  return {
    resolver,
    asked,
    hostsFile,
    resolvConf,
    get: (address) => resolver.get(parseAddress(address)!, 0),
    pass(ms) {
      const until = clock.frame + ms;
      clock.maxFrames = until;
      clock.schedule(() => {}, ms);
      clock.flush();
    },
    intrude: (address, bytes) => events?.received({ address, port: 53 }, bytes),
  };
}

/** A script that knows the names of these addresses by their PTR name, and no other. */
export function knows(names: Readonly<Record<string, string>>, ttl = 3_600): Script {
  return ({ name }) => (name in names ? { answers: [{ ptr: names[name]!, ttl }] } : { rcode: 3 });
}

/** 10.x.y.z, the n-th of them. */
export function nthAddress(n: number): string {
  return `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
}
