/** Where the steps of a pipeline stand: in columns, each behind all that it needs. */
export interface Placeable {
  name: string;
  needs?: readonly string[] | null;
}

export interface Place {
  x: number;
  y: number;
}

const WIDTH = 220;
const HEIGHT = 92;

export function layout(steps: readonly Placeable[]): Map<string, Place> {
  const columns = new Map<string, number>();
  const byName = new Map(steps.map((step) => [step.name, step]));
  const column = (name: string, above: readonly string[]): number => {
    const known = columns.get(name);
    if (known !== undefined) return known;
    const needs = (byName.get(name)?.needs ?? []).filter(
      (need) => byName.has(need) && !above.includes(need),
    );
    const made = needs.length
      ? 1 + Math.max(...needs.map((need) => column(need, [...above, name])))
      : 0;
    columns.set(name, made);
    return made;
  };
  const rows = new Map<number, number>();
  return new Map(
    steps.map((step) => {
      const x = column(step.name, []);
      const y = rows.get(x) ?? 0;
      rows.set(x, y + 1);
      return [step.name, { x: x * WIDTH, y: y * HEIGHT }];
    }),
  );
}
