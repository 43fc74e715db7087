/** What every check needs to know: where we are, what we may, and how a command reaches this network namespace. */
import { CAPABILITY, isNotPermitted, namespaceName, readCapabilities, readNetNamespace } from "@conntrail/procfs";

/** The surroundings of a diagnosis. */
export interface Surroundings {
  readonly procRoot: string;
  /** Inode of our network namespace; undefined when /proc cannot be read. */
  readonly netns: number | undefined;
  /** Its name, where it is mounted under one. */
  readonly name: string | undefined;
  /** Of the process, as a bit for each; undefined when /proc cannot be read. */
  readonly capabilities: bigint | undefined;
  /** The command line that is to be run with more rights. */
  readonly command: readonly string[];
}

/** Looks around. `command`: the command line of this program. */
export function lookAround(procRoot: string, command: readonly string[]): Surroundings {
  const read = <T>(look: () => T): T | undefined => {
    try {
      return look();
    } catch {
      return undefined; // /proc itself has a check of its own
    }
  };
  const netns = read(() => readNetNamespace(procRoot, "thread-self"));
  const host = read(() => readNetNamespace(procRoot, 1));
  const own = netns === undefined || netns === host;
  return {
    procRoot,
    netns,
    name: own ? undefined : read(() => namespaceName(procRoot, netns)),
    capabilities: read(() => readCapabilities(procRoot, "self")),
    command,
  };
}

/** Whether a capability is effective; undefined: not known. */
export function has({ capabilities }: Surroundings, capability: keyof typeof CAPABILITY): boolean | undefined {
  return capabilities === undefined ? undefined : ((capabilities >> BigInt(CAPABILITY[capability])) & 1n) === 1n;
}

/** A command that only root may run, for whoever we are. */
export function asRoot(command: string): string {
  return process.getuid?.() === 0 ? command : `sudo ${command}`;
}

/** A command of root's that has to run in our network namespace, so that it can be run from anywhere where the namespace has a name. */
export function inside({ name }: Surroundings, command: string): string {
  return asRoot(name === undefined ? command : `ip netns exec ${name} ${command}`);
}

/** What `read` gives; undefined where that is not permitted. */
export function unlessForbidden<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isNotPermitted(error)) return undefined;
    throw error;
  }
}
