/** What the server offers, as OpenAPI 3.1 (spec.openapis.org). */

const json = (description: string, schema: object = { type: "object" }): object => ({
  description,
  content: { "application/json": { schema } },
});
const filter = {
  name: "filter",
  in: "query",
  description: "Only connections for which this expression holds, as in `conntrail report --filter`.",
  schema: { type: "string" },
};
const refused = {
  "401": { description: "A token is needed." },
  "403": { description: "Refused: wrong Host, or from another site." },
};

/** The description for a version of the program. */
export function openApi(version: string): object {
  const get = (summary: string, responses: object, parameters: readonly object[] = []): object => ({
    get: { summary, parameters, responses: { ...responses, ...refused } },
  });
  return {
    openapi: "3.1.0",
    info: { title: "conntrail", version, description: "Who talks to whom on this host." },
    components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
    paths: {
      "/api/report": get(
        "The latest report",
        {
          "200": json("`conntrail.report/1`, or with `by` `conntrail.groups/1`."),
          "400": json("The filter or grouping is wrong."),
          "503": json("There is no report yet."),
        },
        [
          filter,
          { name: "by", in: "query", description: "Group, as `--by`.", schema: { type: "string" } },
          {
            name: "limit",
            in: "query",
            description: "Rows at the most: the heaviest.",
            schema: { type: "integer", minimum: 0 },
          },
          {
            name: "at",
            in: "query",
            description: "Of a replay: the number of the report, from 0.",
            schema: { type: "integer", minimum: 0 },
          },
        ],
      ),
      "/api/changes": get(
        "What changes, as server-sent events",
        {
          "200": {
            description:
              "`snapshot` (`length`, `lost`), then `living` in pieces; then `changes` (`opened`, `changed`, `closed`: connections; `gone`: ids) when there are any, and with each report `bytes` (id, original, reply, and beyond 2^53 `exact`, the counters' digits) and `report` (`sequence`, `window`, `health`). One that opened and closed in between is `closed` alone. After a gap `snapshot` again.",
            content: { "text/event-stream": { schema: { type: "string" } } },
          },
          "503": json("Too many listeners."),
        },
        [filter],
      ),
      "/api/why": get(
        "Why a connection's row says what it says",
        {
          "200": json("`conntrail.why/1`: the facts in order of arrival, what each decided, and what is missing."),
          "404": json("No connection that lives, or ended a moment ago, has this number."),
        },
        [{ name: "id", in: "query", description: "`id` of the connection.", schema: { type: "integer", minimum: 0 } }],
      ),
      "/api/info": get("What this server is: version, mode, fields that can be asked for", { "200": json("Facts.") }),
      "/metrics": get("Metrics for Prometheus", {
        "200": { description: "Text format 0.0.4.", content: { "text/plain": {} } },
      }),
      "/healthz": get("Whether reports come", { "200": json("They do."), "503": json("None has come for too long.") }),
      "/api/openapi.json": get("This description", { "200": json("OpenAPI 3.1.") }),
    },
  };
}
