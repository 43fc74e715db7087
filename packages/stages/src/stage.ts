/** What a stage is: one line, so that the pipeline reads as a list of them. */
import type { OperatorFunction } from "rxjs";

/** A step of the pipeline. A stage is a factory that returns one; its state lives inside the subscription. */
export type Stage<I, O> = OperatorFunction<I, O>;
