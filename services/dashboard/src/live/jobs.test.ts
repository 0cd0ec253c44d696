import { describe, expect, it } from "vitest";
import { begun, fold, folded, type JobEvent } from "@/live/jobs";
import { timeline } from "@/live/timeline";

const AT = "2026-11-22T08:00:00.000Z";
const about = (seq: number) => ({ id: `e${seq}`, at: AT, tenant_id: "t", job_id: "j", seq });
const step = (name: string, needs: string[]) => ({
  name,
  processor: "add",
  params: {},
  needs,
  status: "pending",
});
const events = [
  {
    ...about(1),
    type: "job.submitted",
    steps: [step("a", []), step("b", ["a"])],
    labels: { team: "x" },
  },
  { ...about(2), type: "job.started", attempt: 1, worker: "w", steps: ["a", "b"] },
  { ...about(3), type: "job.step_succeeded", step: "a", attempt: 1, result: { value: 15n } },
  { ...about(4), type: "job.step_succeeded", step: "b", attempt: 1, result: { value: 30 } },
  { ...about(5), type: "job.succeeded", attempt: 1, result: { value: 30 } },
] as unknown as JobEvent[];
const [first] = events;
if (first?.type !== "job.submitted") throw new Error("the first event submits");

describe("a job out of its events", () => {
  it("ends with its result and all of its steps", () => {
    const job = folded(events);

    expect(job?.status).toBe("succeeded");
    expect(job?.result).toEqual({ value: 30 });
    expect(job?.steps.map((each) => each.status)).toEqual(["succeeded", "succeeded"]);
  });

  it("is at any event what it was then", () => {
    const then = folded(events, 2);

    expect(then?.status).toBe("running");
    expect(then?.steps.map((each) => each.status)).toEqual(["succeeded", "running"]);
    expect(then?.steps[0]?.result).toEqual({ value: 15n });
  });

  it("does not change when an event comes twice", () => {
    const job = folded(events, 2);
    if (!job || !events[1]) throw new Error("there is a job");

    const again = fold(job, events[1]);

    expect(again).toEqual({ job, hole: false });
  });

  it("tells of a hole", () => {
    const last = events[4];
    if (!last) throw new Error("there is a last event");

    expect(fold(begun(first), last).hole).toBe(true);
  });

  it("has a timeline of one attempt with a bar for each step", () => {
    const line = timeline(events);

    expect(line?.lanes).toHaveLength(1);
    expect(line?.lanes[0]?.bars.map((bar) => [bar.step, bar.status])).toEqual([
      ["a", "succeeded"],
      ["b", "succeeded"],
    ]);
  });
});
