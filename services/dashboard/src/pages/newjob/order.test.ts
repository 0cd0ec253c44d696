import { expect, it } from "vitest";
import { read, write } from "@/api/json";
import type { Job } from "@/live/jobs";
import { draftOf } from "@/pages/newjob/draft";
import { orderOf, startOf } from "@/pages/newjob/order";

const VALUE = '{"id":9007199254740993}';

it("submits an edited job with every digit and all that its steps say", () => {
  const step = { name: "a", processor: "add", params: { amount: 1 }, needs: [] };
  const each = { ...step, name: "b", needs: ["a"], input: "a", each: true, on_error: "continue" };
  const job = {
    steps: [step, each],
    queue: "slow",
    labels: {},
    dataset_id: null,
  } as unknown as Job;

  const order = orderOf(startOf({}, draftOf(job, read(VALUE))));

  expect(order).not.toBeInstanceOf(Error);
  expect(write((order as { body: unknown }).body)).toBe(
    write({ steps: [step, each], value: read(VALUE), queue: "slow" }),
  );
});

it("takes an empty value for no input, as of a job that is edited", () => {
  const writing = startOf({ processor: "fail" }, null);

  const order = orderOf({ ...writing, input: "value", value: " " });

  expect(order).toMatchObject({ body: { processor: "fail" } });
  expect(order).not.toHaveProperty("body.value");
});
