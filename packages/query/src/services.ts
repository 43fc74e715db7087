/** Names of ports: services(5). Whoever can reads the file; without it a service is its protocol and port. */
import { hasPorts, protocolNumber } from "@conntrail/model";

/** `port/protocol` to name. */
export type Services = ReadonlyMap<string, string>;

/** Parses the text of /etc/services: the first name of each port counts. Lines that are none are left out. */
export function parseServices(text: string): Services {
  const services = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [name, port] = line.split("#", 1)[0]!.trim().split(/\s+/);
    if (name !== undefined && /^\d{1,5}\/[a-z]+$/.test(port ?? "") && !services.has(port!)) services.set(port!, name);
  }
  return services;
}

/** `https`, or `tcp/8080` where the port has no name; the protocol alone where nobody knows which side is the service, or it has no ports. */
export function serviceName(services: Services, protocol: string, port: number, confidence: string): string {
  if (confidence === "none" || !hasPorts(protocolNumber(protocol) ?? 0)) return protocol;
  return services.get(`${port}/${protocol}`) ?? `${protocol}/${port}`;
}
