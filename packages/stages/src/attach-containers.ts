/** The stage that puts to each process in a container what that is called. It asks a cache and never waits: what is not known yet comes with a later report. */
import type { ContainerFacts, ContainersHealth, Snapshot } from "@conntrail/model";
import { defer, identity, map } from "rxjs";
import type { Stage } from "./stage.ts";

/** Where the facts come from: a cache that asks in the background for what it does not have. */
export interface ContainerSource {
  /** What a container is called, or `undefined` when nobody has said yet. */
  get(id: string): ContainerFacts | undefined;
  /** Undefined when nothing is known of it: a recording without. */
  health(): ContainersHealth | undefined;
}

/** Completes the owners of each snapshot, from the first on that has a container. Without a source nothing is done. Ends and fails with its source. */
export function attachContainers(source: ContainerSource | undefined): Stage<Snapshot, Snapshot> {
  if (source === undefined) return identity;
  return (snapshots) =>
    defer(() => {
      let met = false;
      return snapshots.pipe(
        map((snapshot) => {
          met ||= snapshot.owners.some(({ containerId }) => containerId !== "");
          return met ? attach(snapshot, source) : snapshot;
        }),
      );
    });
}

function attach(snapshot: Snapshot, source: ContainerSource): Snapshot {
  const owners = snapshot.owners.map((owner) => {
    const container = owner.containerId === "" ? undefined : source.get(owner.containerId);
    return container === undefined ? owner : { ...owner, container };
  });
  const containers = source.health();
  return { ...snapshot, owners, health: { ...snapshot.health, ...(containers && { containers }) } };
}
