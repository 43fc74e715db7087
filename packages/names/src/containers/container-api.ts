/**
 * One question to a Docker-compatible API over its Unix socket: `GET /containers/ID/json` (Docker Engine API v1.24 and later; podman-system-service(1) answers the same).
 * Nothing here is kept; the cache is container-names.ts.
 */
import { Agent, request } from "node:http";
import type { ContainerFacts } from "@conntrail/model";

/** How an answer came out. */
export type ContainerAnswer =
  | { readonly kind: "known"; readonly facts: ContainerFacts }
  | { readonly kind: "unknown" }
  | { readonly kind: "no-socket" }
  | { readonly kind: "not-permitted" }
  | { readonly kind: "failed"; readonly message: string };

/** What asks one API. */
export interface ContainerApi {
  readonly socketPath: string;
  /** Always resolves. Takes DEADLINE_MS at the most. */
  readonly ask: (id: string) => Promise<ContainerAnswer>;
  readonly close: () => void;
}

const DEADLINE_MS = 3_000;

/** An answer that is longer is not read: nobody can be meant by it. */
const MOST_BYTES = 1 << 20;

/** The labels that are told: Kubernetes' and Compose's own names for a container. Others may hold anything. */
const LABELS = {
  "io.kubernetes.pod.name": "pod",
  "io.kubernetes.pod.namespace": "namespace",
  "io.kubernetes.container.name": "containerOfPod",
  "com.docker.compose.project": "composeProject",
  "com.docker.compose.service": "composeService",
} as const;

/** Characters of a name or image that are kept. */
const MOST_CHARACTERS = 256;

/** Opens nothing until it is asked. */
export function containerApi(socketPath: string): ContainerApi {
  const agent = new Agent({ keepAlive: true, maxSockets: 2, timeout: 10_000 });
  return {
    socketPath,
    ask: (id) =>
      new Promise((resolve) => {
        const signal = AbortSignal.timeout(DEADLINE_MS);
        const call = request({ socketPath, path: `/v1.24/containers/${id}/json`, agent, signal }, (response) => {
          const chunks: Buffer[] = [];
          let bytes = 0;
          response.on("data", (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes > MOST_BYTES) response.destroy(new Error(`an answer of more than ${MOST_BYTES} bytes`));
            else chunks.push(chunk);
          });
          response.on("error", (error) => resolve({ kind: "failed", message: error.message }));
          response.on("end", () => resolve(answerOf(response.statusCode ?? 0, Buffer.concat(chunks).toString("utf8"))));
        });
        call.on("error", (error: NodeJS.ErrnoException) => resolve(failureOf(error)));
        call.end();
      }),
    close: () => agent.destroy(),
  };
}

function failureOf({ code, message }: NodeJS.ErrnoException): ContainerAnswer {
  if (code === "ENOENT" || code === "ECONNREFUSED" || code === "ENOTSOCK") return { kind: "no-socket" };
  if (code === "EACCES" || code === "EPERM") return { kind: "not-permitted" };
  return { kind: "failed", message };
}

/** What a status and a body say. Any text gives an answer. */
export function answerOf(status: number, body: string): ContainerAnswer {
  if (status === 404) return { kind: "unknown" };
  if (status !== 200) return { kind: "failed", message: `status ${status}` };
  try {
    const { Name, Config } = JSON.parse(body) as { Name?: unknown; Config?: { Image?: unknown; Labels?: unknown } };
    const labels = Object.entries(LABELS).flatMap(([label, member]) => {
      const value = text((Config?.Labels as Record<string, unknown> | null | undefined)?.[label]);
      return value === "" ? [] : [[member, value]];
    });
    const facts = { name: text(Name).replace(/^\//, ""), image: text(Config?.Image), ...Object.fromEntries(labels) };
    return { kind: "known", facts };
  } catch (error) {
    return { kind: "failed", message: error instanceof Error ? error.message : String(error) };
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value.slice(0, MOST_CHARACTERS) : "";
}
