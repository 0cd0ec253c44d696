import { expect, it } from "vitest";
import { Problem } from "@/api/problem";
import { messageAt, refusalOf } from "@/parts/order";

const REFUSED = new Problem({
  type: "about:blank",
  title: "It cannot be.",
  status: 422,
  code: "invalid",
  request_id: "r",
  errors: [
    { field: "cron", message: "it never comes" },
    { field: "job.params.amount", message: "a number" },
  ],
});

it("puts each reason to its field, and the others above the buttons", () => {
  expect(messageAt(REFUSED, "cron")).toBe("it never comes");
  expect(messageAt(REFUSED, "job")).toBe("a number");
  expect(refusalOf(REFUSED, ["cron"])?.message).toBe("job.params.amount: a number");
  expect(refusalOf(REFUSED, ["cron", "job"])).toBeNull();
  expect(refusalOf(new TypeError(), [])?.message).toBe("The server cannot be reached.");
});
