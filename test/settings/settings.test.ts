/** Options from the command line, the environment and a file: one precedence, one parser; and the manual page and completions that know them all. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ReportJson } from "@conntrail/report";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { runCommand } from "../lab/command.ts";
import { runConntrail } from "../lab/index.ts";

const SHOP = fileURLToPath(new URL("../../samples/shop.pcapng", import.meta.url));

// Each test starts the command several times.
vi.setConfig({ testTimeout: 120_000 });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "conntrail-settings-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Said {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly file?: string;
}

/** Asks for the shop's connections. `file` is the text of the configuration file. */
async function ask({
  flags = [],
  env = {},
  file,
}: Said): Promise<{ code: number | null; stderr: string; rows: number }> {
  const path = join(folder, "config.toml");
  writeFileSync(path, file ?? "");
  const args = ["replay", SHOP, "--format", "json", ...flags];
  const { code, stdout, stderr } = await runConntrail(undefined, args, { env: { CONNTRAIL_CONFIG: path, ...env } });
  return { code, stderr, rows: code === 0 ? (JSON.parse(stdout) as ReportJson).connections.length : -1 };
}

const FILE = "limit = 3";
const ENV = { CONNTRAIL_LIMIT: "2" };
const FLAG = ["--limit", "1"];

test.each<[string, Said, number]>([
  ["the flag before the variable, the file and the default", { flags: FLAG, env: ENV, file: FILE }, 1],
  ["the flag before the file", { flags: FLAG, file: FILE }, 1],
  ["the variable before the file and the default", { env: ENV, file: FILE }, 2],
  ["the file before the default", { file: FILE }, 3],
  ["a command's own table before what all are told", { file: `${FILE}\n[replay]\nlimit = 4` }, 4],
  ["another command's table is nothing to this one", { file: `${FILE}\n[watch]\nlimit = 4` }, 3],
  ["an empty variable says nothing", { env: { CONNTRAIL_LIMIT: "" }, file: FILE }, 3],
  ["options without a value are true or false", { file: "each = true\nlimit = 3" }, 3],
])("%s", async (_, said, rows) => {
  expect(await ask(said)).toEqual({ code: 0, stderr: "", rows });
});

test("a shorthand in the file filters like the flag, a list in it like the flag several times, and the flag replaces both", async () => {
  const byFlag = await ask({ flags: ["--to-port", "8080"] });
  expect(byFlag.rows).toBeGreaterThan(0);
  expect(await ask({ file: "to-port = 8080" })).toEqual(byFlag);
  const both = await ask({ flags: ["--filter", "to.port == 8080", "--filter", "to.port == 5432"] });
  expect(await ask({ file: 'filter = ["to.port == 8080", "to.port == 5432"]' })).toEqual(both);
  expect(
    await ask({ env: { CONNTRAIL_TO_PORT: "5432" }, file: "to-port = 8080", flags: ["--to-port", "8080"] }),
  ).toEqual(byFlag);
});

test.each<[string, Said, RegExp]>([
  ["a variable", { env: { CONNTRAIL_LIMIT: "many" } }, /CONNTRAIL_LIMIT: Expected a whole number from 1, got "many"/],
  ["a file", { file: 'limit = "many"' }, /config\.toml: limit: Expected a whole number from 1, got "many"/],
  ["a switch", { env: { CONNTRAIL_EACH: "maybe" } }, /CONNTRAIL_EACH: expected true or false, got "maybe"/],
  [
    "an option that is none",
    { file: "limits = 3" },
    /config\.toml: there is no option "limits"; did you mean "limit"\?/,
  ],
  ["a command that is none", { file: "[repaly]\nlimit = 3" }, /there is no command "repaly"; did you mean "replay"\?/],
  ["an option of another command", { file: '[record]\nwindow = "3s"' }, /there is no option "window"/],
  ["a filter", { file: 'filter = "to.prot == 1"' }, /config\.toml: filter: .*did you mean "to.port"/],
  ["a text that is no TOML", { file: "limit 3" }, /config\.toml: Invalid TOML/],
  [
    "a file that is not there",
    { flags: ["--config", "/nowhere/conntrail.toml"] },
    /\/nowhere\/conntrail\.toml: ENOENT/,
  ],
])("wrong usage in %s is told where it stands, with code 2", async (_, said, message) => {
  const { code, stderr } = await ask(said);
  expect(stderr).toMatch(message);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(code).toBe(2);
});

test("what must be given can be given in a file, and is asked for when it is not", async () => {
  const path = join(folder, "store.toml");
  writeFileSync(path, "");
  const args = ["--config", path, "store", "migrate"];
  expect((await runConntrail(undefined, args)).stderr).toMatch(
    /required option '--clickhouse <address>' not specified/,
  );
  writeFileSync(path, '[store.migrate]\nclickhouse = "http://127.0.0.1:1"');
  expect((await runConntrail(undefined, args)).stderr).not.toMatch(/required option/);
});

describe("the manual page and the completions are of the same source as --help", () => {
  const words = (text: string): string[] => [...new Set(text.match(/--[a-z][a-z-]+/g))].sort();

  async function helpOf(...command: readonly string[]): Promise<string> {
    return (await runConntrail(undefined, [...command, "--help"])).stdout;
  }

  test("every option of every command is in them", async () => {
    const commands = [
      ["report"],
      ["watch"],
      ["top"],
      ["serve"],
      ["record"],
      ["replay"],
      ["doctor"],
      ["store", "query"],
    ];
    const help = (await Promise.all([helpOf(), ...commands.map((command) => helpOf(...command))])).join("\n");
    const options = words(help.replaceAll(/^(?! +-).*$/gm, ""));
    expect(options.length).toBeGreaterThan(50);
    const page = (await runConntrail(undefined, ["man"])).stdout.replaceAll("\\-", "-").replaceAll(/\\f[BIR]/g, "");
    const bash = (await runConntrail(undefined, ["completion", "bash"])).stdout;
    const fish = (await runConntrail(undefined, ["completion", "fish"])).stdout;
    for (const option of options) {
      expect(page, `${option} in the page`).toContain(option);
      expect(bash, `${option} in bash`).toContain(option);
      expect(fish, `${option} in fish`).toContain(`-l ${option.slice(2)} `);
    }
  }, 60_000);

  test("bash completes commands, options, words and fields", async () => {
    const script = (await runConntrail(undefined, ["completion", "bash"])).stdout;
    const ask = async (line: string): Promise<string[]> => {
      const program = `${script}
        line=$1; COMP_WORDS=($line); [[ "$line" == *" " ]] && COMP_WORDS+=("")
        COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 )); _conntrail; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout, stderr } = await runCommand("bash", ["-c", program, "bash", line]);
      expect(stderr).toBe("");
      return stdout.split("\n").filter((each) => each !== "");
    };
    expect(await ask("conntrail re")).toEqual(["report", "record", "replay"]);
    expect(await ask("conntrail store ")).toEqual(["migrate", "query"]);
    expect(await ask("conntrail store query --sk")).toEqual(["--skew"]);
    expect(await ask("conntrail report --to-p")).toEqual(["--to-port", "--to-process"]);
    expect(await ask("conntrail watch --format ")).toEqual(["table", "ndjson"]);
    expect(await ask("conntrail report --columns from.process,to.por")).toEqual(["from.process,to.port"]);
    expect(await ask("conntrail report --select state,to.addr")).toEqual(["state,to.address"]);
    expect(await ask("conntrail report --log-level w")).toEqual(["warn"]);
  });

  test("man formats the page without a complaint", async () => {
    const page = (await runConntrail(undefined, ["man"])).stdout;
    const { code, stdout, stderr } = await runCommand("man", ["--warnings", "-l", "-"], {
      input: page,
      env: { MANWIDTH: "100", PAGER: "cat" },
    });
    // Without man there is nothing to format with; its absence is no fault of the page.
    if (code === 127) return;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/conntrail report \[options\]/);
  });
});

test("--log-level tells more on standard error, and its own lines carry no control characters", async () => {
  const quiet = await runConntrail(undefined, ["replay", SHOP, "--limit", "1", "--log-level", "silent"]);
  expect(quiet).toMatchObject({ code: 0, stderr: "" });
  const wrong = await runConntrail(undefined, ["replay", SHOP, "--log-level", "warm"]);
  expect(wrong.stderr).toMatch(/Did you mean "warn"\?/);
  expect(wrong.code).toBe(2);
});
