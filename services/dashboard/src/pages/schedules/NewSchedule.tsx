import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { post } from "@/api/http";
import { ScheduleForm } from "@/pages/schedules/ScheduleForm";
import { PageHead } from "@/parts/Page";

/** A schedule that is not there yet. */
export function NewSchedule() {
  const navigate = useNavigate();
  const client = useQueryClient();
  return (
    <>
      <PageHead title="New schedule" />
      <ScheduleForm
        schedule={null}
        button="Make the schedule"
        save={async (name, order) => {
          const made = await post("/v1/schedules", { body: { name, ...order } as never });
          await client.invalidateQueries({ queryKey: ["schedules"] });
          await navigate({ to: "/schedules/$id", params: { id: made.id } });
        }}
      />
    </>
  );
}
