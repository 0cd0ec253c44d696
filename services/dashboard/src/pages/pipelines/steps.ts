/** Steps while they are edited: every one has a name and says what it needs; nothing that it said is lost. */
import type { Loose, Schema } from "@/api/http";

type StepSpec = Loose<Omit<Schema["StepSpec"], "processor">> & { processor: string };

export interface EditedStep {
  name: string;
  processor: string;
  params: Record<string, unknown>;
  needs: string[];
  /** The step whose output it takes; null is the nearest one. */
  input: string | null;
  each: boolean;
  on_error: Schema["OnError"];
  queue: string | null;
}

export function edited(specs: readonly StepSpec[]): EditedStep[] {
  const made: EditedStep[] = [];
  for (const spec of specs) {
    const name = freeName(made, spec.name ?? spec.processor);
    const before = made.at(-1)?.name;
    made.push({
      name,
      processor: spec.processor,
      params: spec.params ?? {},
      needs: spec.needs ?? (before ? [before] : []),
      input: spec.input ?? null,
      each: spec.each ?? false,
      on_error: spec.on_error ?? "fail",
      queue: spec.queue ?? null,
    });
  }
  return made;
}

/** The steps as the API takes them: what is the default is left out. */
export function specsOf(steps: readonly EditedStep[]): StepSpec[] {
  return steps.map(({ name, processor, params, needs, input, each, on_error, queue }) => ({
    name,
    processor,
    params,
    needs,
    ...(input && { input }),
    ...(each && { each }),
    ...(on_error !== "fail" && { on_error }),
    ...(queue && { queue }),
  }));
}

export function freeName(steps: readonly EditedStep[], wanted: string): string {
  const taken = new Set(steps.map((step) => step.name));
  let name = wanted;
  for (let number = 2; taken.has(name); number += 1) name = `${wanted}-${number}`;
  return name;
}

export function added(steps: readonly EditedStep[], processor: string): EditedStep[] {
  const before = steps.at(-1)?.name;
  const spec = { processor, name: freeName(steps, processor), needs: before ? [before] : [] };
  return [...steps, ...edited([spec])];
}

/** Without this step; what needed it needs what it needed, and takes the nearest input. */
export function without(steps: readonly EditedStep[], name: string): EditedStep[] {
  const gone = steps.find((step) => step.name === name);
  const instead = (needs: string[]) => [
    ...new Set(needs.flatMap((need) => (need === name ? (gone?.needs ?? []) : [need]))),
  ];
  return steps
    .filter((step) => step.name !== name)
    .map((step) => ({
      ...step,
      needs: instead(step.needs),
      input: step.input === name ? null : step.input,
    }));
}
