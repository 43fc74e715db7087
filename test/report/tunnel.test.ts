/** Packets that carry others are told as a tunnel (F69). */
import { encodeJson, viewReport } from "@conntrail/report";
import { expect, test } from "vitest";
import { makeContent } from "./content.ts";
import { text } from "./text.ts";

test("F69 a VXLAN's packets, and those of other tunnels, are told as what they are", () => {
  const ends = { from: "10.0.0.2 51000" } as const;
  const content = makeContent([
    { ...ends, to: "10.0.0.9 4789", protocol: "udp", state: "unreplied" },
    { ...ends, to: "10.0.0.9 8472", protocol: "udp" },
    { ...ends, to: "10.0.0.9 6081", protocol: "udp" },
    { ...ends, to: "10.0.0.9 4789" },
    { ...ends, to: "10.0.0.9 53", protocol: "udp" },
    { from: "10.0.0.2 0", to: "10.0.0.9 0", protocol: "gre" },
    { from: "10.0.0.2 0", to: "10.0.0.9 0", protocol: "4" },
  ]);
  const tunnels = Array.from(viewReport(content).connections(), ({ tunnel }) => tunnel);
  expect(tunnels).toEqual(["vxlan", "vxlan", "geneve", undefined, undefined, "gre", "ipip"]);
  expect(text(encodeJson(content))).toBe(JSON.stringify(viewReport(content)));
});
