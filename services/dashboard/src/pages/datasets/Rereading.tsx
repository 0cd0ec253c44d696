import { Alert, Box, Progress, Text } from "@mantine/core";
import type { Schema } from "@/api/http";
import { progressOf } from "@/live/feed";
import { counted } from "@/live/figures";
import { useStore } from "@/live/store";
import { JobLink } from "@/parts/JobLink";
import { ErrorNote } from "@/parts/Page";
import { When } from "@/parts/When";

/** How far the reading is, or why it made no table. */
export function Rereading({
  reading,
  withTable,
}: {
  reading: Schema["Reading"];
  withTable: boolean;
}) {
  if (reading.error) {
    const said = `${reading.error.message}\nThe former table stays in use.`;
    return (
      <Box mb="sm">
        <ErrorNote error={new Error(said)} title={`Not read again: ${reading.error.code}`} />
      </Box>
    );
  }
  return (
    <Alert
      color="blue"
      variant="light"
      py="xs"
      mb="sm"
      title="It is being read again"
      role="status"
    >
      <Text fz="sm">
        By <JobLink id={reading.job_id} before="job " />, begun <When at={reading.begun_at} />. Jobs
        over it wait
        {withTable ? "; until it has ended this is the former table." : "."}
      </Text>
      <HowFar jobId={reading.job_id} />
    </Alert>
  );
}

function HowFar({ jobId }: { jobId: string }) {
  const now = useStore(progressOf(jobId));
  if (!now) return null;
  const total = now.total ? ` of ${counted(now.total)}` : "";
  return (
    <>
      <Progress
        size="sm"
        mt={4}
        value={now.total ? (100 * now.done) / now.total : 100}
        animated={!now.total}
        aria-label="Progress of the reading"
      />
      <Text fz="xs" c="dimmed" className="num" mt={4}>
        {counted(now.done)}
        {total} {now.unit}
      </Text>
    </>
  );
}
