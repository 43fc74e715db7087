/** A record of containers out of its payload, checked field by field. */
import type { ContainerFacts, ContainersHealth } from "@conntrail/model";
import { isContainersHealth } from "./health-fields.ts";
import { hasFields, isObject, parseAll } from "./json-fields.ts";
import type { ContainerAnswer, ContainersRecord } from "./records.ts";

/** The record; `undefined` when the payload is not what the kind promises. */
export function parseContainers(timeMs: number, payload: unknown): ContainersRecord | undefined {
  if (!hasFields(payload, { answers: "list", health: "object" })) return undefined;
  const health: unknown = payload.health;
  const answers = parseAll(payload.answers, parseAnswer);
  if (answers === undefined || !isContainersHealth(health)) return undefined;
  return { kind: "containers", timeMs, answers, health: health satisfies ContainersHealth };
}

function parseAnswer(value: unknown): ContainerAnswer | undefined {
  if (!hasFields(value, { id: "string", facts: "object" })) return undefined;
  const facts: unknown = value.facts;
  return isFacts(facts) ? { id: value.id, facts } : undefined;
}

function isFacts(value: unknown): value is ContainerFacts {
  const isWhole = hasFields(value, { name: "string", image: "string" });
  return isWhole && isObject(value) && Object.values(value).every((each) => typeof each === "string");
}
