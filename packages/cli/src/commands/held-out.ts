/** Sentences of each class that the demo's pre-training does not see. */
export const HELD_OUT = 200;
