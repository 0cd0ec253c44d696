/** All jobs that fit a filter, live. */
import { Button, Stack } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { jobsQuery } from "@/api/queries";
import { readFilter } from "@/live/filter";
import { BulkActions } from "@/pages/jobs/BulkActions";
import { FilterField } from "@/pages/jobs/FilterField";
import { JobTable } from "@/pages/jobs/JobTable";
import { Loaded, PageHead } from "@/parts/Page";
import { Pager } from "@/parts/Pager";

const LIMIT = 50;

export function Jobs() {
  const { q = "", cursor } = useSearch({ from: "/inside/jobs" });
  const navigate = useNavigate({ from: "/jobs" });
  const { filter, mistakes } = useMemo(() => readFilter(q), [q]);
  const list = useMemo(() => ({ filter, cursor: cursor ?? null, limit: LIMIT }), [filter, cursor]);
  const jobs = useQuery(jobsQuery(list));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const change = (text: string) => {
    setChosen(new Set());
    void navigate({ search: { q: text || undefined }, replace: true });
  };
  return (
    <>
      <PageHead title="Jobs">
        <Button component={Link} to="/jobs/new" leftSection={<IconPlus size={15} />}>
          New job
        </Button>
      </PageHead>
      <Stack gap="sm">
        <FilterField text={q} mistakes={mistakes} change={change} />
        <BulkActions filter={filter} chosen={chosen} clear={() => setChosen(new Set())} />
        <Loaded of={jobs} height={400}>
          {(page) => (
            <>
              <div className="panel">
                <JobTable
                  jobs={page.items}
                  chosen={chosen}
                  choose={setChosen}
                  filtered={q !== ""}
                />
              </div>
              <Pager
                page={page}
                cursor={cursor}
                go={(to) => void navigate({ search: { q: q || undefined, cursor: to } })}
              />
            </>
          )}
        </Loaded>
      </Stack>
    </>
  );
}
