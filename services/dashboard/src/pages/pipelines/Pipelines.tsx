/** Stored pipelines. */
import { Button, Group, SimpleGrid, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { pipelinesQuery } from "@/api/queries";
import { Loaded, PageHead } from "@/parts/Page";
import { Panel } from "@/parts/Panel";

export function Pipelines() {
  const pipelines = useQuery(pipelinesQuery);
  return (
    <>
      <PageHead title="Pipelines">
        <Link to="/pipelines/$name" params={{ name: "new" }}>
          <Button component="span">New pipeline</Button>
        </Link>
      </PageHead>
      <Loaded of={pipelines}>
        {(items) => (
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="sm">
            {items.map((each) => (
              <Panel key={each.name} title={each.name}>
                <Text fz="sm" c="dimmed" mb={6}>
                  {each.summary || "No summary"}
                </Text>
                <Text fz="xs" className="mono" mb="sm">
                  {each.steps.map((step) => step.name ?? step.processor).join(" → ")}
                </Text>
                <Group gap="md" fz="sm">
                  <Link to="/jobs/new" search={{ pipeline: each.name }}>
                    Run
                  </Link>
                  <Link to="/pipelines/$name" params={{ name: each.name }}>
                    Open
                  </Link>
                  <Link to="/jobs" search={{ q: `pipeline:${each.name}` }}>
                    Its jobs
                  </Link>
                </Group>
              </Panel>
            ))}
          </SimpleGrid>
        )}
      </Loaded>
    </>
  );
}
