/** How far a job is, as its worker says. */
import { Progress, Text } from "@mantine/core";
import { progressOf } from "@/live/feed";
import { counted } from "@/live/figures";
import type { Job } from "@/live/jobs";
import { useStore } from "@/live/store";

export function JobProgress({ job, words = false }: { job: Job; words?: boolean }) {
  const live = useStore(progressOf(job.id));
  const newest = live && live.attempt >= (job.progress?.attempt ?? 0) ? live : job.progress;
  const steps = job.steps.length;
  const done = job.steps.filter((step) => step.status === "succeeded").length;
  const within = newest?.total ? Math.min(1, newest.done / newest.total) : 0;
  const running = job.steps.find((step) => step.status === "running");
  const part = running && newest?.step === running.name ? within : 0;
  const share = steps ? (100 * (done + part)) / steps : 0;
  const label = `${Math.round(share)} %`;
  return (
    <div>
      <div className="progress">
        <Progress
          value={share}
          size="sm"
          flex={1}
          miw={60}
          aria-label={`Progress ${label}`}
          transitionDuration={150}
        />
        <span className="aside num">{label}</span>
      </div>
      {words && running && (
        <Text fz="xs" c="dimmed" className="num" mt={4}>
          {running.name}
          {newest?.step === running.name &&
            ` · ${counted(newest.done)}${newest.total ? ` of ${counted(newest.total)}` : ""} ${newest.unit}`}
        </Text>
      )}
    </div>
  );
}
