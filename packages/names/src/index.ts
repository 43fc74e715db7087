/** Reverse DNS, and what containers are called, for a pipeline that never waits for a name. */

export type { Clock } from "./clock.ts";
export { answerOf, type ContainerAnswer, type ContainerApi, containerApi } from "./containers/container-api.ts";
export {
  type ContainerNames,
  type ContainerNamesOptions,
  createContainerNames,
  DEFAULT_CONTAINER_APIS,
} from "./containers/container-names.ts";
export { type DnsServer, parseDnsServer, parseResolvConf } from "./dns-server.ts";
export type { ResolverOptions } from "./options.ts";
export { createResolver, type Resolver, type ResolverHealth } from "./resolver.ts";
export type { Transport, TransportEvents } from "./udp-transport.ts";
