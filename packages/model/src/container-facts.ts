/** What a container's runtime calls it, as a Docker-compatible API tells. */

/** A container. What is not known or not said is empty or missing. */
export interface ContainerFacts {
  readonly name: string;
  readonly image: string;
  /** By Kubernetes' labels: the pod, its namespace, and the container's name in it. */
  readonly pod?: string;
  readonly namespace?: string;
  readonly containerOfPod?: string;
  /** By the labels of Compose. */
  readonly composeProject?: string;
  readonly composeService?: string;
}
