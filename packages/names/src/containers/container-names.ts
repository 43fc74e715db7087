/**
 * What containers are called: a cache that asks the Docker-compatible APIs of this host in the background for what it is asked and does not have. A container that is gone
 * soon is asked about the moment its first process is met; what was learnt outlives it. Times come from the given clock.
 */
import type { ContainerFacts, ContainersHealth } from "@conntrail/model";
import { LRUCache } from "lru-cache";
import { type ContainerApi, containerApi } from "./container-api.ts";

/** Where Docker and Podman listen by default. */
export const DEFAULT_CONTAINER_APIS: readonly string[] = ["/run/docker.sock", "/run/podman/podman.sock"];

/** Options of `createContainerNames`. */
export interface ContainerNamesOptions {
  /** Paths of Unix sockets; none: nothing is asked. Default: the two usual places. */
  readonly sockets?: readonly string[];
  /** Milliseconds of any clock that does not step. */
  readonly nowMs?: () => number;
  /** How one API is asked: for tests. */
  readonly open?: (socketPath: string) => ContainerApi;
}

/** The cache. `get` and `health` never wait; `close` forgets who waits. */
export interface ContainerNames {
  /** What a container is called, or `undefined` while nobody has said: it is asked for then. */
  get(id: string): ContainerFacts | undefined;
  health(): ContainersHealth;
  close(): void;
}

const MOST_KNOWN = 4_096;
const MOST_WAITING = 256;
const AT_ONCE = 4;

/** A container that no API knew, or that could not be asked about, is asked for again: soon, since it may just be being made, and then ever more seldom. */
const AGAIN_FIRST_MS = 250;
const AGAIN_LAST_MS = 60_000;

/** An API whose socket was not there is looked for again after this long. */
const ABSENT_MS = 10_000;

/** An API and what became of the last question to it. */
interface AskedApi {
  readonly api: ContainerApi;
  state: "untried" | "ok" | "no-socket" | "not-permitted" | "failed";
  notBeforeMs: number;
}

/** Opens nothing until it is asked. */
export function createContainerNames(options: ContainerNamesOptions = {}): ContainerNames {
  const { sockets = DEFAULT_CONTAINER_APIS, nowMs = () => performance.now(), open = containerApi } = options;
  return new NameCache(sockets.map(open), nowMs);
}

class NameCache implements ContainerNames {
  readonly #apis: readonly AskedApi[];
  readonly #nowMs: () => number;
  readonly #known = new LRUCache<string, ContainerFacts>({ max: MOST_KNOWN });
  /** Until when a container that nobody knew is left alone, and how long it was so last. */
  readonly #unknown = new LRUCache<string, { readonly untilMs: number; readonly delayMs: number }>({ max: MOST_KNOWN });
  /** In the order of asking, those that are asked about now among them. */
  readonly #waiting = new Set<string>();
  readonly #asking = new Set<string>();
  #requests = 0;
  #failures = 0;
  #dropped = 0;
  #lastFailure = "";
  #closed = false;

  constructor(apis: readonly ContainerApi[], nowMs: () => number) {
    this.#apis = apis.map((api) => ({ api, state: "untried", notBeforeMs: 0 }));
    this.#nowMs = nowMs;
  }

  get(id: string): ContainerFacts | undefined {
    const known = this.#known.get(id);
    if (known === undefined) this.#want(id);
    return known;
  }

  health(): ContainersHealth {
    const counts = {
      cached: this.#known.size,
      pending: this.#waiting.size,
      requests: this.#requests,
      failures: this.#failures,
      dropped: this.#dropped,
    };
    if (this.#apis.length === 0) return { state: "off", reason: "switched-off", advice: null, ...counts };
    const states = this.#apis.map(({ state }) => state);
    if (states.includes("ok")) return { state: "ok", reason: null, advice: null, ...counts };
    const paths = this.#apis.map(({ api }) => api.socketPath).join(" and ");
    if (states.includes("not-permitted")) {
      const advice = `${paths}: not permitted; run as root or in the group of the socket`;
      return { state: "off", reason: "not-permitted", advice, ...counts };
    }
    if (states.includes("failed")) {
      return { state: "degraded", reason: "failed", advice: `${paths}: ${this.#lastFailure}`, ...counts };
    }
    if (states.includes("untried")) return { state: "ok", reason: null, advice: null, ...counts };
    const advice = `nobody listens at ${paths}; containers have ids and no names (--container-api unix:///…)`;
    return { state: "off", reason: "no-socket", advice, ...counts };
  }

  close(): void {
    this.#closed = true;
    this.#waiting.clear();
    for (const { api } of this.#apis) api.close();
  }

  #want(id: string): void {
    if (this.#closed || this.#apis.length === 0 || this.#waiting.has(id)) return;
    if ((this.#unknown.get(id)?.untilMs ?? 0) > this.#nowMs()) return;
    if (this.#waiting.size >= MOST_WAITING) {
      this.#dropped++;
      return;
    }
    this.#waiting.add(id);
    this.#next();
  }

  /** Starts questions while there are some and few are under way. */
  #next(): void {
    for (const id of this.#waiting) {
      if (this.#asking.size >= AT_ONCE) return;
      if (this.#asking.has(id)) continue;
      this.#asking.add(id);
      void this.#ask(id).then((facts) => {
        this.#asking.delete(id);
        this.#waiting.delete(id);
        this.#learn(id, facts);
        this.#next();
      });
    }
  }

  #learn(id: string, facts: ContainerFacts | undefined): void {
    if (facts !== undefined) {
      this.#unknown.delete(id);
      this.#known.set(id, facts);
      return;
    }
    const delayMs = Math.min(AGAIN_LAST_MS, (this.#unknown.get(id)?.delayMs ?? AGAIN_FIRST_MS / 2) * 2);
    this.#unknown.set(id, { untilMs: this.#nowMs() + delayMs, delayMs });
  }

  /** Asks one API after the other until one knows. Never rejects. */
  async #ask(id: string): Promise<ContainerFacts | undefined> {
    for (const asked of this.#apis) {
      if (this.#closed || asked.notBeforeMs > this.#nowMs()) continue;
      this.#requests++;
      const answer = await asked.api.ask(id);
      asked.state = answer.kind === "known" || answer.kind === "unknown" ? "ok" : answer.kind;
      if (answer.kind === "known") return answer.facts;
      if (answer.kind === "failed") {
        this.#failures++;
        this.#lastFailure = answer.message;
      } else if (answer.kind !== "unknown") asked.notBeforeMs = this.#nowMs() + ABSENT_MS;
    }
    return undefined;
  }
}
