import { expect, it } from "vitest";
import { parseSearch, stringifySearch } from "@/search";

it("leaves a cursor as it is", () => {
  expect(parseSearch("?after=1.10&types=job.failed")).toEqual({
    after: "1.10",
    types: "job.failed",
  });
  expect(stringifySearch({ after: "1.10", at: 3, types: undefined })).toBe("?after=1.10&at=3");
  expect(stringifySearch({})).toBe("");
});
