/** What was uploaded. */
import "@mantine/dropzone/styles.css";
import { Button, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { datasetsQuery } from "@/api/queries";
import { counted, sized } from "@/live/figures";
import type { Dataset } from "@/live/lists";
import { Trashed } from "@/pages/datasets/Trashed";
import { Uploads } from "@/pages/datasets/Uploads";
import { type ListColumn, Listing } from "@/parts/Listing";
import { Loaded, PageHead } from "@/parts/Page";
import { Pager } from "@/parts/Pager";
import { Status } from "@/parts/Status";
import { When } from "@/parts/When";

const NAME: ListColumn<Dataset> = {
  head: "Name",
  most: 280,
  cell: (each) => (
    <Link to="/datasets/$id" params={{ id: each.id }} className="name">
      {each.name}
    </Link>
  ),
};
const FACTS: ListColumn<Dataset>[] = [
  { head: "Status", cell: (each) => <Status status={each.status} /> },
  { head: "Format", cell: (each) => each.format ?? "–" },
  { head: "Rows", cell: (each) => counted(each.rows), right: true },
  { head: "Columns", cell: (each) => counted(each.columns?.length), right: true },
  { head: "Size", cell: (each) => sized(each.size_bytes), right: true },
  { head: "Uploaded", cell: (each) => <When at={each.created_at} /> },
];
const LISTED = [NAME, ...FACTS];
const TRASHED: ListColumn<Dataset>[] = [
  { ...NAME, cell: (each) => each.name },
  ...FACTS,
  { head: "Restore or purge", quiet: true, cell: (each) => <Trashed dataset={each} /> },
];

export function Datasets() {
  const { cursor, trash } = useSearch({ from: "/inside/datasets" });
  const navigate = useNavigate({ from: "/datasets" });
  const datasets = useQuery(datasetsQuery(cursor ?? null, { trash: Boolean(trash) }));
  return (
    <>
      <PageHead title={trash ? "Trash" : "Datasets"}>
        <Link to="/datasets" search={trash ? {} : { trash: "yes" }}>
          <Button component="span" variant="default">
            {trash ? "Back to the datasets" : "Trash"}
          </Button>
        </Link>
      </PageHead>
      <Stack gap="sm">
        {!trash && <Uploads />}
        <Loaded of={datasets} height={300}>
          {(page) => (
            <>
              <div className="panel">
                <Listing
                  label="Datasets"
                  items={page.items}
                  columns={trash ? TRASHED : LISTED}
                  keyOf={(each) => each.id}
                  empty={
                    trash
                      ? {
                          title: "The trash is empty",
                          text: "Deleted datasets lie here for a while.",
                        }
                      : { title: "No datasets yet", text: "Drop a file above." }
                  }
                />
              </div>
              <Pager
                page={page}
                cursor={cursor}
                go={(to) => void navigate({ search: { cursor: to, trash } })}
              />
            </>
          )}
        </Loaded>
      </Stack>
    </>
  );
}
