/** The part of npm `dns-packet` 5 that is used here; the package has no types of its own. */
declare module "dns-packet" {
  export interface Question {
    readonly type: string;
    readonly name: string;
  }
  export type Answer =
    | { readonly type: "PTR" | "CNAME"; readonly name: string; readonly ttl: number; readonly data: string }
    | {
        readonly type: "SOA";
        readonly name: string;
        readonly ttl: number;
        readonly data: { readonly minimum: number };
      };
  export interface Packet {
    readonly type: "query" | "response";
    readonly flags: number;
    readonly rcode: string;
    readonly flag_tc: boolean;
    readonly questions: readonly Question[];
    readonly answers: readonly Answer[];
    readonly authorities: readonly Answer[];
  }
  export const RECURSION_DESIRED: number;
  export function encode(packet: Pick<Packet, "type" | "flags" | "questions"> & { readonly id: number }): Buffer;
  export function decode(bytes: Buffer): Packet;
}
