/** One who listens to `/api/changes`, and what it was told. */
import { type IncomingMessage, request } from "node:http";
import type { ConnectionJson } from "@conntrail/report";

/** What each event holds. */
interface Events {
  readonly snapshot: { readonly length: number; readonly lost: number | null };
  readonly living: { readonly connections: readonly ConnectionJson[] };
  readonly changes: Readonly<Record<"opened" | "changed" | "closed", readonly ConnectionJson[]>> & {
    readonly gone: readonly number[];
  };
  readonly bytes: { readonly bytes: readonly (readonly number[])[] };
  readonly report: { readonly sequence: number };
}

/** The listener. */
export interface EventsHeard extends AsyncDisposable {
  /** Names of the events so far. */
  readonly names: readonly (keyof Events)[];
  /** What the events of a name held. */
  of<Name extends keyof Events>(name: Name): Events[Name][];
  pause(): void;
  resume(): void;
}

/** Listens. */
export async function listen(address: string, path: string): Promise<EventsHeard> {
  const heard: { name: keyof Events; data: string }[] = [];
  const asked = request(new URL(path, address));
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    asked.on("response", resolve).on("error", reject).end();
  });
  asked.on("error", () => undefined);
  let rest = "";
  response.setEncoding("utf8");
  response.on("data", (chunk: string) => {
    rest += chunk;
    const blocks = rest.split("\n\n");
    rest = blocks.pop()!;
    for (const block of blocks) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/s.exec(block) ?? [];
      if (name !== undefined) heard.push({ name: name as keyof Events, data: data! });
    }
  });
  return {
    get names() {
      return heard.map(({ name }) => name);
    },
    of: (wanted) => heard.filter(({ name }) => name === wanted).map(({ data }) => JSON.parse(data) as never),
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    async [Symbol.asyncDispose]() {
      asked.destroy();
    },
  };
}
