/** What can be done to a job now. */
import { Button, Group, Menu } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { post, remove } from "@/api/http";
import { hasEnded, type Job } from "@/live/jobs";
import { draftOf, keepDraft } from "@/pages/newjob/draft";
import { ConfirmButton } from "@/parts/Confirm";
import { failed, said } from "@/parts/notes";

export function JobActions({ job, input }: { job: Job; input: unknown }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const path = { job_id: job.id };
  const again = async (from_step: string | null) => {
    try {
      const made = await post("/v1/jobs/{job_id}/retry", {
        path,
        body: { from_step, params: {} } as never,
      });
      said("The job runs again.");
      await navigate({ to: "/jobs/$id", params: { id: made.id } });
    } catch (error) {
      failed(error, "The job was not run again");
    }
  };
  const edit = () => {
    keepDraft(draftOf(job, input));
    void navigate({ to: "/jobs/new", search: {} });
  };
  const forget = async () => {
    await remove("/v1/jobs/{job_id}", { path });
    await navigate({ to: "/jobs", search: {} });
    client.removeQueries({ queryKey: ["job", job.id] });
    await client.invalidateQueries({ queryKey: ["jobs"] });
  };
  if (!hasEnded(job)) {
    return (
      <Group gap="xs">
        <Button variant="default" onClick={edit}>
          Edit and submit
        </Button>
        <ConfirmButton
          label="Cancel"
          disabled={job.status === "cancelling"}
          confirm="Cancel the job"
          question="The job is asked to stop; after 10 seconds it is stopped by force. Outputs of finished steps stay."
          act={() =>
            post("/v1/jobs/{job_id}/cancel", { path, body: { reason: null, grace_s: 10 } })
          }
        />
      </Group>
    );
  }
  return (
    <Group gap="xs">
      <Button onClick={() => void again(null)}>Retry</Button>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" rightSection={<IconChevronDown size={14} />}>
            More
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={edit}>Edit and submit</Menu.Item>
          {job.steps.length > 1 && <Menu.Label>Resume from</Menu.Label>}
          {job.steps.length > 1 &&
            job.steps.map((step) => (
              <Menu.Item key={step.name} onClick={() => void again(step.name)}>
                {step.name}
              </Menu.Item>
            ))}
        </Menu.Dropdown>
      </Menu>
      <ConfirmButton
        label="Delete"
        confirm="Delete the job"
        question="The job, its events, logs and results are deleted. This cannot be undone."
        act={forget}
      />
    </Group>
  );
}
