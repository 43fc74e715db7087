/**
 * What the detail panels of Scope's app show: it leaves out every value that its topology's `metadata_templates` do not name. Those
 * of Scope's own probe (`probe/process/reporter.go`, `probe/host/reporter.go`, `probe/docker/reporter.go`), as far as there are values here.
 */

/** One line of a panel, as it is on the wire. */
interface Template {
  readonly id: string;
  readonly label: string;
  readonly from: "latest" | "sets";
  readonly priority: number;
  readonly dataType?: "number" | "duration";
  readonly truncate?: number;
}

/** The templates of each topology, by the id of what they show. */
export const PROCESS_TEMPLATES: Templates = templates([
  { id: "pid", label: "PID", from: "latest", dataType: "number", priority: 1 },
  { id: "cmdline", label: "Command", from: "latest", priority: 2 },
  { id: "ppid", label: "Parent PID", from: "latest", dataType: "number", priority: 3 },
]);
export const CONTAINER_TEMPLATES: Templates = templates([
  { id: "docker_container_id", label: "ID", from: "latest", truncate: 12, priority: 1 },
  { id: "docker_image_name", label: "Image name", from: "latest", priority: 2 },
]);
export const HOST_TEMPLATES: Templates = templates([
  { id: "kernel_version", label: "Kernel version", from: "latest", priority: 1 },
  { id: "uptime", label: "Uptime", from: "latest", dataType: "duration", priority: 2 },
  { id: "host_name", label: "Hostname", from: "latest", priority: 11 },
  { id: "os", label: "OS", from: "latest", priority: 12 },
  { id: "local_networks", label: "Local networks", from: "sets", priority: 13 },
  { id: "host_scope_version", label: "Scope version", from: "latest", priority: 14 },
]);

type Templates = Readonly<Record<string, Template>>;

function templates(list: readonly Template[]): Templates {
  return Object.fromEntries(list.map((template) => [template.id, template]));
}
