import { Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { post, remove, type Schema } from "@/api/http";
import { lettersQuery } from "@/api/queries";
import { ConfirmButton } from "@/parts/Confirm";
import { JobLink } from "@/parts/JobLink";
import { type ListColumn, Listing } from "@/parts/Listing";
import { failed, said } from "@/parts/notes";
import { Loaded } from "@/parts/Page";
import { Panel } from "@/parts/Panel";
import { When } from "@/parts/When";

type Letter = Schema["DeadLetter"];

const COLUMNS: ListColumn<Letter>[] = [
  { head: "Kind", cell: (each) => each.kind },
  { head: "Reason", cell: (each) => each.reason.replaceAll("_", " ") },
  { head: "Job", cell: (each) => each.job_id && <JobLink id={each.job_id} /> },
  { head: "Since", cell: (each) => <When at={each.created_at} /> },
  { head: "Orders", quiet: true, cell: (each) => <Orders letter={each} /> },
];

/** What nobody tries again by itself. */
export function Letters() {
  const letters = useQuery(lettersQuery(null));
  return (
    <Panel title="Dead letters" flush>
      <Loaded of={letters}>
        {(page) => (
          <Listing
            label="Dead letters"
            items={page.items}
            columns={COLUMNS}
            keyOf={(each) => each.id}
            empty={{
              title: "No dead letters",
              text: "Whatever exhausts its attempts is kept here.",
            }}
          />
        )}
      </Loaded>
    </Panel>
  );
}

function Orders({ letter }: { letter: Letter }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const path = { letter_id: letter.id };
  const again = () => client.invalidateQueries({ queryKey: ["letters"] });
  const redrive = async () => {
    try {
      const done = await post("/v1/dead-letters/{letter_id}/redrive", { path });
      said("It is tried once more.");
      if (done.job_id) await navigate({ to: "/jobs/$id", params: { id: done.job_id } });
      await again();
    } catch (error) {
      failed(error, "It was not tried again");
    }
  };
  const discard = async () => {
    await remove("/v1/dead-letters/{letter_id}", { path });
    await again();
  };
  return (
    <>
      <Button
        size="compact-xs"
        mr={6}
        disabled={Boolean(letter.redriven_as)}
        onClick={() => void redrive()}
      >
        {letter.redriven_as ? "Redriven" : "Redrive"}
      </Button>
      <ConfirmButton
        size="compact-xs"
        label="Discard"
        confirm="Discard the letter"
        question="What it holds cannot be tried again afterwards."
        act={discard}
      />
    </>
  );
}
