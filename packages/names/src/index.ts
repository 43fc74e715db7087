/** Reverse DNS for a pipeline that never waits for a name. */
export type { Clock } from "./clock.ts";
export { type DnsServer, parseDnsServer, parseResolvConf } from "./dns-server.ts";
export type { ResolverOptions } from "./options.ts";
export { createResolver, type Resolver, type ResolverHealth } from "./resolver.ts";
export type { Transport, TransportEvents } from "./udp-transport.ts";
