/** Jobs that ran elsewhere, as files told of them. */
import { Button, FileButton } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { archivesQuery, bring } from "@/api/archives";
import type { Schema } from "@/api/http";
import { sized } from "@/live/figures";
import type { ListColumn } from "@/parts/Listing";
import { failed, said } from "@/parts/notes";
import { Loaded, PageHead } from "@/parts/Page";
import { PagedListing } from "@/parts/PagedListing";
import { Status } from "@/parts/Status";
import { When } from "@/parts/When";

type Archive = Schema["Archive"];

const COLUMNS: ListColumn<Archive>[] = [
  {
    head: "Job",
    most: 360,
    cell: (each) => (
      <Link to="/archives/$id" params={{ id: each.id }} className="name">
        {each.pipeline ?? each.processors.join(" → ")}
      </Link>
    ),
  },
  { head: "Status", cell: (each) => <Status status={each.status} /> },
  { head: "Ended", cell: (each) => <When at={each.finished_at} /> },
  { head: "Imported", cell: (each) => <When at={each.imported_at} /> },
  { head: "Size", cell: (each) => sized(each.size_bytes), right: true },
];

export function Archives() {
  const { cursor } = useSearch({ from: "/inside/archives" });
  const navigate = useNavigate({ from: "/archives" });
  const client = useQueryClient();
  const archives = useQuery(archivesQuery(cursor ?? null));
  const take = async (file: File | null) => {
    if (!file) return;
    try {
      const made = await bring(file);
      said("The job can be looked at here now.");
      await client.invalidateQueries({ queryKey: ["archives"] });
      await navigate({ to: "/archives/$id", params: { id: made.id } });
    } catch (error) {
      failed(error, "The file was not imported");
    }
  };
  return (
    <>
      <PageHead title="Archives" under="Jobs that ran elsewhere, out of files; they never run here">
        <FileButton onChange={(file) => void take(file)} accept=".zip,application/zip">
          {(props) => <Button {...props}>Import a file</Button>}
        </FileButton>
      </PageHead>
      <Loaded of={archives} height={240}>
        {(page) => (
          <PagedListing
            label="Archives"
            page={page}
            cursor={cursor}
            go={(to) => void navigate({ search: { cursor: to } })}
            columns={COLUMNS}
            keyOf={(each) => each.id}
            empty={{
              title: "No archives yet",
              text: "`tidemill events export JOB` makes a file of a job; it can be shown here.",
            }}
          />
        )}
      </Loaded>
    </>
  );
}
