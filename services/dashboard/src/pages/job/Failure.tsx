/** Why a job failed, with the traceback that its worker kept. */
import { Alert, Code, Collapse, Text, UnstyledButton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { Job, JobEvent } from "@/live/jobs";
import { Copy } from "@/parts/Copy";
import { Scroller } from "@/parts/Scroller";

export function Failure({ job, events }: { job: Job; events: JobEvent[] }) {
  const waiting =
    job.status === "retrying"
      ? events.findLast((each) => each.type === "job.retry_scheduled")
      : null;
  const error = job.error ?? (waiting?.type === "job.retry_scheduled" ? waiting.error : null);
  const [opened, { toggle }] = useDisclosure(true);
  if (!error) return null;
  return (
    <Alert
      variant="light"
      color={job.error ? "red" : "yellow"}
      icon={<IconAlertTriangle size={18} />}
      title={
        <>
          {error.type ?? error.code}{" "}
          {error.step && (
            <Text component="span" fz="sm">
              in {error.step}
            </Text>
          )}
        </>
      }
    >
      <Text fz="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
        {error.message} <Code>{error.code}</Code>
      </Text>
      {error.traceback && (
        <>
          <UnstyledButton fz="xs" mt={6} td="underline" onClick={toggle} aria-expanded={opened}>
            Traceback
          </UnstyledButton>
          <Copy text={error.traceback} label="Copy the traceback" />
          <Collapse expanded={opened}>
            <Scroller label="Traceback" style={{ maxHeight: 320 }}>
              <pre className="block">{error.traceback}</pre>
            </Scroller>
          </Collapse>
        </>
      )}
    </Alert>
  );
}
