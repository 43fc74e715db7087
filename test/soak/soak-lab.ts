/**
 * Where the soak happens: client, router and two servers with translated connections of every length between them, and the agent in a namespace beside them, with a name server and a Scope app
 * of its own, both of which can be taken away.
 */
import { fileURLToPath } from "node:url";
import {
  blackHoleDnsIn,
  type LabNamespace,
  type NatLab,
  natLab,
  nodeDnsIn,
  type Program,
  TRACK,
} from "../lab/index.ts";

const APP = fileURLToPath(new URL("./programs/app.mjs", import.meta.url));

/** Connections a second of each kind, and how they end. */
const SHORT = [
  { "duration-ms": 2, rate: 25 },
  { "duration-ms": 150, rate: 10 },
  { "duration-ms": 20, rate: 10, reset: true },
] as const;

const HELD = 40;

/** The lab. Its namespaces but the agent's are those whose tables are compared at the end. */
export class SoakLab implements AsyncDisposable {
  readonly nat: NatLab;
  readonly agent: LabNamespace;
  readonly #lifetime: number;
  #dns: Program | undefined;
  #app: Program | undefined;
  readonly #short: Program[] = [];

  private constructor(nat: NatLab, agent: LabNamespace, lifetime: number) {
    this.nat = nat;
    this.agent = agent;
    this.#lifetime = lifetime;
  }

  /** Builds it and starts what serves. Programs end by themselves after `lifetime` seconds. */
  static async open(network: number, lifetime: number): Promise<SoakLab> {
    const nat = await natLab({ backends: 2, track: "all", network });
    try {
      const agent = await nat.addNamespace("agent");
      await agent.nft(TRACK);
      const lab = new SoakLab(nat, agent, lifetime);
      for (const [i, server] of nat.servers.entries()) {
        await server.start("tcp-server", { port: nat.real[i]!.port, lifetime });
        await server.start("udp-server", { port: nat.real[i]!.port, lifetime });
      }
      await lab.names("answer");
      await lab.app("works");
      return lab;
    } catch (error) {
      await nat[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Where reports are delivered to, and where names are asked. */
  readonly appUrl = "http://127.0.0.1:4040";
  readonly nameServer = "127.0.0.1:53";

  /** Starts the traffic: what is held, datagrams, and short connections without end. */
  async startTraffic(): Promise<void> {
    const { client, servers, virtual } = this.nat;
    const to = { host: virtual.address, port: virtual.port, lifetime: this.#lifetime };
    await client.start("tcp-client", { ...to, connections: HELD, hold: true });
    await client.start("udp-client", { ...to, sockets: 5, "interval-ms": 100 });
    await servers[0]!.start("tcp-client", {
      host: servers[1]!.address,
      port: this.nat.real[1]!.port,
      lifetime: this.#lifetime,
      connections: HELD,
      hold: true,
    });
    for (const { rate, ...kind } of SHORT) {
      this.#short.push(await client.start("tcp-client", { ...to, ...kind, rate, connections: rate * this.#lifetime }));
    }
  }

  /** Ends the short connections: what is left stays as it is. */
  async calm(): Promise<void> {
    await Promise.all(this.#short.splice(0).map((program) => program.stop()));
  }

  /** The name server answers, is silent, or is gone. */
  async names(how: "answer" | "silence" | "gone"): Promise<void> {
    await this.#dns?.stop();
    this.#dns = undefined;
    const options = { address: "127.0.0.1" };
    if (how === "answer") this.#dns = (await nodeDnsIn(this.agent, {}, options)).program;
    else if (how === "silence") this.#dns = (await blackHoleDnsIn(this.agent, options)).program;
  }

  /** The Scope app works, refuses reports, or is gone. */
  async app(how: "works" | "refuses" | "gone"): Promise<void> {
    await this.#app?.stop();
    this.#app = undefined;
    if (how === "gone") return;
    const status = how === "works" ? "200" : "503";
    this.#app = this.agent.spawn(process.execPath, [APP, new URL(this.appUrl).port, status]);
    await this.#app.json(30_000);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.nat[Symbol.asyncDispose]();
  }
}
