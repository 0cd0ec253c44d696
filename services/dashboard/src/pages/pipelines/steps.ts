/** Steps while they are edited: every one has a name and says what it needs. */
import type { Schema } from "@/api/http";

export interface EditedStep {
  name: string;
  processor: string;
  params: Record<string, unknown>;
  needs: string[];
}

export function edited(specs: readonly Schema["StepSpec"][]): EditedStep[] {
  const made: EditedStep[] = [];
  for (const spec of specs) {
    const name = freeName(made, spec.name ?? spec.processor);
    const before = made.at(-1)?.name;
    made.push({
      name,
      processor: spec.processor,
      params: spec.params ?? {},
      needs: spec.needs ?? (before ? [before] : []),
    });
  }
  return made;
}

export function freeName(steps: readonly EditedStep[], wanted: string): string {
  const taken = new Set(steps.map((step) => step.name));
  let name = wanted;
  for (let number = 2; taken.has(name); number += 1) name = `${wanted}-${number}`;
  return name;
}

export function added(steps: readonly EditedStep[], processor: string): EditedStep[] {
  const last = steps.at(-1)?.name;
  return [
    ...steps,
    { name: freeName(steps, processor), processor, params: {}, needs: last ? [last] : [] },
  ];
}

/** Without this step; what needed it needs what it needed. */
export function without(steps: readonly EditedStep[], name: string): EditedStep[] {
  const gone = steps.find((step) => step.name === name);
  return steps
    .filter((step) => step.name !== name)
    .map((step) =>
      step.needs.includes(name)
        ? {
            ...step,
            needs: [
              ...new Set(
                step.needs.flatMap((need) => (need === name ? (gone?.needs ?? []) : [need])),
              ),
            ],
          }
        : step,
    );
}
