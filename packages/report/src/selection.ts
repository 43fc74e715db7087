/** Chosen members of connections, for whoever needs less JSON than all of it: `from.address`, `to`, `state`. */
import type { Connection } from "./connection.ts";
import type { ConnectionJson, EndJson } from "./json-shape.ts";
import type { RawReport } from "./raw-report.ts";

/** A member of a connection's JSON, or one of an end: `to` or `to.address`. */
export type ConnectionMember = keyof ConnectionJson | `${"from" | "to"}.${keyof EndJson}`;

type Read<T> = (of: T) => unknown;

/** How each member is read, in the order in which JSON has them; undefined: absent. */
const MEMBERS: Readonly<Record<keyof ConnectionJson, Read<Connection>>> = {
  protocol: ({ protocol }) => protocol,
  family: ({ family }) => family,
  netns: ({ netns }) => netns,
  netnsName: ({ netnsName }) => netnsName,
  from: ({ from }) => from,
  to: ({ to }) => to,
  direction: ({ direction }) => direction,
  sources: ({ sources }) => sources,
  state: ({ state }) => state,
  count: ({ count }) => count,
  nat: ({ nat }) => nat,
  firstSeen: ({ firstSeen }) => firstSeen,
  lastSeen: ({ lastSeen }) => lastSeen,
  id: ({ id }) => id,
  via: ({ via }) => via,
  master: ({ master }) => master,
  tunnel: ({ tunnel }) => tunnel,
  zone: ({ zone }) => zone || undefined,
  mark: ({ mark }) => mark || undefined,
  counters: ({ counters }) => counters,
  tcp: ({ tcp }) => tcp,
  flags: ({ flags }) => (flags.length > 0 ? flags : undefined),
};

/** Those of an end, which has them by the same names. */
const END_MEMBERS: Readonly<Record<keyof EndJson, true>> = {
  address: true,
  port: true,
  local: true,
  pid: true,
  process: true,
  names: true,
  ownerReason: true,
  ownerEvidence: true,
  startTicks: true,
  containerId: true,
  containerName: true,
  image: true,
  pod: true,
  unit: true,
  user: true,
  device: true,
};

const SIDES = ["from", "to"] as const;

/** Every member that can be chosen. */
export const CONNECTION_MEMBERS: readonly ConnectionMember[] = Object.keys(MEMBERS).flatMap((name) => [
  name as ConnectionMember,
  ...(isSide(name) ? Object.keys(END_MEMBERS).map((member) => `${name}.${member}` as ConnectionMember) : []),
]);

/** Members of an end by which it is joined with `processes`. */
const OF_PROCESSES: readonly (keyof EndJson)[] = ["pid", "process", "startTicks"];

/** A choice, ready to be read by. */
export class Selection {
  readonly #members: readonly (readonly [name: string, read: Read<Connection>])[];
  /** Whether rows point to processes. */
  readonly hasProcesses: boolean;

  /** `members` in any order; `id` is always among them. */
  constructor(members: readonly string[]) {
    const chosen = new Set(members).add("id");
    this.#members = Object.entries(MEMBERS).flatMap(([name, read]) => {
      if (chosen.has(name)) return [[name, read] as const];
      if (!isSide(name)) return [];
      const ofEnd = Object.keys(END_MEMBERS).filter((member) => chosen.has(`${name}.${member}`));
      return ofEnd.length === 0 ? [] : [[name, (connection) => partOf(connection[name], ofEnd)] as const];
    });
    this.hasProcesses = SIDES.some(
      (side) => chosen.has(side) || OF_PROCESSES.some((member) => chosen.has(`${side}.${member}`)),
    );
  }

  /** What is chosen of a connection, as plain as its `toJSON()`. */
  of(connection: Connection): Partial<ConnectionJson> {
    const chosen: Record<string, unknown> = {};
    for (const [name, read] of this.#members) {
      const value = read(connection);
      if (value !== undefined) chosen[name] = value;
    }
    return chosen;
  }
}

/** The selection of a report; undefined: whole connections. */
export function selectionOf({ select }: Pick<RawReport, "select">): Selection | undefined {
  return select && new Selection(select);
}

function partOf(end: Connection["from"], members: readonly string[]): object {
  const part: Record<string, unknown> = {};
  for (const member of members) {
    const value = end[member as keyof EndJson];
    if (value !== undefined) part[member] = value;
  }
  return part;
}

function isSide(name: string): name is (typeof SIDES)[number] {
  return name === "from" || name === "to";
}
