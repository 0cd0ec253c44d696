/** How the whole is doing, at a glance. */
import { Button, SimpleGrid, Skeleton, Stack } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { Counts } from "@/pages/overview/Counts";
import { FailingProcessors } from "@/pages/overview/FailingProcessors";
import { RecentJobs } from "@/pages/overview/RecentJobs";
import { Slots } from "@/pages/overview/Slots";
import { PageHead } from "@/parts/Page";

const Charts = lazy(async () => ({ default: (await import("@/pages/overview/Charts")).Charts }));

export function Overview() {
  return (
    <>
      <PageHead title="Overview">
        <Button component={Link} to="/jobs/new" leftSection={<IconPlus size={15} />}>
          New job
        </Button>
      </PageHead>
      <Stack gap="sm">
        <Counts />
        <Suspense fallback={<Skeleton h={220} />}>
          <Charts />
        </Suspense>
        <SimpleGrid cols={{ base: 1, md: 3 }} spacing="sm">
          <Slots />
          <FailingProcessors />
          <RecentJobs />
        </SimpleGrid>
      </Stack>
    </>
  );
}
