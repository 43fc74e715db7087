/**
 * The shop: a customer, a web server, an application twice behind a virtual address, and a database, each in a namespace of its own on a router
 * that rewrites.
 *
 *     browser ─▶ web ─▶ 10.9.0.1:8080 ─┬▶ app-1 ─┬▶ database
 *                                      └▶ app-2 ─┘
 */
import { fileURLToPath } from "node:url";
import { createLab, type Lab } from "./lab.ts";
import type { LabNamespace } from "./namespace.ts";
import type { Program } from "./program.ts";

const SERVICE = fileURLToPath(new URL("../record/programs/shop-service.mjs", import.meta.url));
const ROLES = ["browser", "web", "app-1", "app-2", "database"] as const;

/** The shop, open: every service answers. */
export type ShopLab = Lab & {
  readonly router: LabNamespace;
  /** The customer asks `requests` times. */
  browse(requests: number, pauseMs: number): Promise<Program>;
};

/** Who talks to whom in it, as the router sees it: address, address, port. */
export const SHOP_EDGES: readonly string[] = [
  "10.1.0.2 10.2.0.2 80",
  "10.2.0.2 10.3.0.2 8080",
  "10.2.0.2 10.4.0.2 8080",
  "10.3.0.2 10.5.0.2 5432",
  "10.4.0.2 10.5.0.2 5432",
];

/** Opens the shop. */
export async function shopLab(): Promise<ShopLab> {
  const lab = await createLab("router", ...ROLES);
  try {
    await wire(lab);
    const at = (role: string): string => lab.ns(role).address;
    const app = { title: "app", port: 8080, upstream: at("database"), "upstream-port": 5432, keep: true };
    await service(lab, "database", { port: 5432 });
    await service(lab, "app-1", app);
    await service(lab, "app-2", app);
    await service(lab, "web", { port: 80, upstream: "10.9.0.1", "upstream-port": 8080 });
    return Object.assign(lab, {
      router: lab.ns("router"),
      browse: (requests: number, pauseMs: number) =>
        service(lab, "browser", { upstream: at("web"), "upstream-port": 80, requests, "pause-ms": pauseMs }),
    });
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

async function wire(lab: Lab): Promise<void> {
  const router = lab.ns("router");
  await router.sysctl("net.ipv4.ip_forward", 1);
  for (const [i, role] of ROLES.entries()) {
    const near = `10.${i + 1}.0`;
    await lab.link(
      { role, device: "eth0", address: `${near}.2/24` },
      { role: "router", device: `to-${role}`, address: `${near}.1/24` },
    );
    await lab.addDefaultRoute(role, `${near}.1`);
  }
  const backends = `0 : ${lab.ns("app-1").address}, 1 : ${lab.ns("app-2").address}`;
  await router.nft(`table ip shop { chain arrive { type nat hook prerouting priority dstnat;
    ip daddr 10.9.0.1 tcp dport 8080 dnat to numgen inc mod 2 map { ${backends} }:8080; }; }`);
}

async function service(
  lab: Lab,
  role: string,
  options: Readonly<Record<string, string | number | boolean>>,
): Promise<Program> {
  const all: typeof options = { title: role, ...options };
  const said = Object.entries(all).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, String(value)],
  );
  const program = lab.ns(role).spawn(process.execPath, [SERVICE, ...said]);
  await program.json();
  return program;
}
