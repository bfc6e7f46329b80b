// Changes that wait to be looked at and applied together.
import { useEffect, useState } from "preact/hooks";

export type Step = Record<string, unknown> & { op: string };

let steps: Step[] = [];
const told = new Set<() => void>();

/** Add a step; it takes the place of one about the same thing. */
export function stage(step: Step): void {
  const same = (other: Step): boolean =>
    other.op === step.op &&
    other.zone === step.zone &&
    other.of === step.of &&
    (step.op === "set" ? other.path === step.path : step.op === "order_rules" || (step.op === "change_rule" && other.ref === step.ref));
  const before = steps.find(same);
  const merged = before && step.op === "change_rule" ? { ...step, rule: { ...(before.rule as object), ...(step.rule as object) } } : step;
  steps = [...steps.filter((other) => !same(other)), merged];
  for (const tell of told) tell();
}

export function drop(): void {
  steps = [];
  for (const tell of told) tell();
}

export function useStaged(): Step[] {
  const [seen, see] = useState(steps);
  useEffect(() => {
    const tell = (): void => see(steps);
    told.add(tell);
    tell();
    return () => void told.delete(tell);
  }, []);
  return seen;
}
