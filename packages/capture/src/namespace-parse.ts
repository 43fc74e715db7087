/** What newer recordings tell of a namespace beyond its addresses: each member may be missing, and none may be something else. */
import { type Device, type LocalRoute, type NamespaceFacts, networkTest } from "@conntrail/model";
import { hasFields, parseAll } from "./json-fields.ts";

type FurtherFacts = Pick<NamespaceFacts, "incomplete" | "name" | "devices" | "localRoutes">;

/** The further facts in the payload of a namespace; `undefined` when one is not what it should be. */
export function parseFurtherFacts(payload: object): FurtherFacts | undefined {
  const { name, incomplete, devices = [], localRoutes = [] } = payload as Record<string, unknown>;
  const parsedDevices = parseAll(devices, parseDevice);
  const parsedRoutes = parseAll(localRoutes, parseRoute);
  if (parsedDevices === undefined || parsedRoutes === undefined) return undefined;
  if (incomplete !== undefined && incomplete !== true) return undefined;
  if (name !== undefined && typeof name !== "string") return undefined;
  return {
    ...(incomplete === true && { incomplete }),
    ...(name !== undefined && { name }),
    ...(parsedDevices.length > 0 && { devices: parsedDevices }),
    ...(parsedRoutes.length > 0 && { localRoutes: parsedRoutes }),
  };
}

function parseDevice(value: unknown): Device | undefined {
  return hasFields(value, { index: "u32", name: "string" }) ? { index: value.index, name: value.name } : undefined;
}

function parseRoute(value: unknown): LocalRoute | undefined {
  if (!hasFields(value, { network: "string", forAll: "boolean" }) || !isNetwork(value.network)) return undefined;
  return { network: value.network, forAll: value.forAll };
}

function isNetwork(text: string): boolean {
  try {
    networkTest([text]);
    return true;
  } catch {
    return false;
  }
}
