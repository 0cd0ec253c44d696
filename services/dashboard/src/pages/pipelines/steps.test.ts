import { expect, it } from "vitest";
import { edited, specsOf, without } from "@/pages/pipelines/steps";

const SPECS = [
  { name: "list", processor: "wait", params: { seconds: 1 }, needs: [] },
  {
    name: "all",
    processor: "add",
    params: { amount: 9007199254740993n },
    needs: ["list"],
    input: "list",
    each: true,
    on_error: "continue" as const,
    queue: "slow",
  },
];

it("keeps all that a step says through editing", () => {
  const steps = edited(SPECS as never);

  expect(specsOf(steps)).toEqual(SPECS);
});

it("lets nothing take its input from a step that is removed", () => {
  const left = without(edited(SPECS as never), "list");

  expect(left).toMatchObject([{ name: "all", needs: [], input: null, each: true, queue: "slow" }]);
});
