/** One end of a connection, read from the columns at the moment of asking (see connection.ts). */
import { inspect } from "node:util";
import {
  CONNECTION_FLAG,
  formatAddress,
  fromPort,
  OWNER_REASON,
  type Owner,
  type OwnerEvidence,
  toPort,
} from "@conntrail/model";

import type { EndJson, EndProcessJson } from "./json-shape.ts";
import { endProcess } from "./process-identity.ts";
import type { RawReport } from "./raw-report.ts";

/** An end of a connection: the members of `EndJson`, and everything known of its process. */
export interface End extends Omit<EndJson, keyof EndProcessJson | "device"> {
  /** Undefined when `pid` is null. */
  readonly owner: Owner | undefined;
  readonly startTicks: number | undefined;
  readonly containerId: string | undefined;
  readonly containerName: string | undefined;
  readonly image: string | undefined;
  readonly pod: string | undefined;
  readonly unit: string | undefined;
  readonly user: string | undefined;
  readonly device: string | undefined;
  toJSON(): EndJson;
}

/** The view of an end of connection `row`, unchecked. */
export function viewEnd(raw: RawReport, row: number, side: "from" | "to"): End {
  return new EndView(raw, row, side === "from");
}

/** The rung that an owner stands on. */
export function evidenceOf(owner: number, reason: number, isTraced: boolean): OwnerEvidence | null {
  if (owner === 0) return null;
  if (isTraced) return "trace";
  return OWNER_REASON[reason] === "listener" ? "listener" : "held";
}

class EndView implements End {
  readonly #raw: RawReport;
  readonly #row: number;
  readonly #isFrom: boolean;

  constructor(raw: RawReport, row: number, isFrom: boolean) {
    this.#raw = raw;
    this.#row = row;
    this.#isFrom = isFrom;
  }

  get address(): string {
    const { originalSource, replySource } = this.#raw.columns;
    return formatAddress(this.#isFrom ? originalSource : replySource, this.#row * 4);
  }

  get port(): number {
    return (this.#isFrom ? fromPort : toPort)(this.#raw.columns, this.#row);
  }

  get local(): boolean {
    const flag = this.#isFrom ? CONNECTION_FLAG.fromLocal : CONNECTION_FLAG.toLocal;
    return (this.#raw.columns.flags[this.#row]! & flag) !== 0;
  }

  get owner(): Owner | undefined {
    const { fromOwner, toOwner } = this.#raw.columns;
    const owner = (this.#isFrom ? fromOwner : toOwner)[this.#row]!;
    return owner === 0 ? undefined : this.#raw.owners.at(owner - 1);
  }

  get pid(): number | null {
    return this.owner?.pid ?? null;
  }

  get process(): string | null {
    return this.owner?.process ?? null;
  }

  get startTicks(): number | undefined {
    return this.owner?.startTicks;
  }

  get containerId(): string | undefined {
    return this.owner?.containerId || undefined;
  }

  get containerName(): string | undefined {
    return this.owner?.container?.name || undefined;
  }

  get image(): string | undefined {
    return this.owner?.container?.image || undefined;
  }

  get pod(): string | undefined {
    return this.#process?.pod;
  }

  get unit(): string | undefined {
    return this.#process?.unit;
  }

  get user(): string | undefined {
    return this.owner?.user || undefined;
  }

  get device(): string | undefined {
    const { fromDevice, toDevice } = this.#raw.columns;
    const device = (this.#isFrom ? fromDevice : toDevice)[this.#row]!;
    return device === 0 ? undefined : this.#raw.devices?.[device - 1];
  }

  get names(): readonly string[] {
    const { fromNames, toNames } = this.#raw.columns;
    const names = (this.#isFrom ? fromNames : toNames)[this.#row]!;
    return names === 0 ? [] : this.#raw.names.at(names - 1)!;
  }

  get ownerReason(): EndJson["ownerReason"] {
    const { fromReason, toReason } = this.#raw.columns;
    const reason = OWNER_REASON[(this.#isFrom ? fromReason : toReason)[this.#row]!]!;
    return reason === "known" ? null : reason;
  }

  get ownerEvidence(): EndJson["ownerEvidence"] {
    const { fromOwner, toOwner, fromReason, toReason, flags } = this.#raw.columns;
    const [owner, reason] = this.#isFrom ? [fromOwner, fromReason] : [toOwner, toReason];
    const traced = this.#isFrom ? CONNECTION_FLAG.fromTraced : CONNECTION_FLAG.toTraced;
    return evidenceOf(owner[this.#row]!, reason[this.#row]!, (flags[this.#row]! & traced) !== 0);
  }

  get #process(): EndProcessJson | undefined {
    const { owner } = this;
    return owner && endProcess(owner);
  }

  toJSON(): EndJson {
    const { owner, device } = this;
    return {
      address: this.address,
      port: this.port,
      local: this.local,
      pid: owner?.pid ?? null,
      process: owner?.process ?? null,
      names: this.names,
      ownerReason: this.ownerReason,
      ownerEvidence: this.ownerEvidence,
      ...(owner !== undefined && endProcess(owner)),
      ...(device !== undefined && { device }),
    };
  }

  /** What console.log shows. */
  [inspect.custom](): EndJson {
    return this.toJSON();
  }
}
