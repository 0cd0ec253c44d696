/** What can be done with a dataset in the trash: take it back, or let it go for good. */
import { Button, Group, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { post, remove } from "@/api/http";
import type { Dataset } from "@/live/lists";
import { ConfirmButton } from "@/parts/Confirm";
import { failed } from "@/parts/notes";
import { When } from "@/parts/When";

export function Trashed({ dataset }: { dataset: Dataset }) {
  const client = useQueryClient();
  const path = { dataset_id: dataset.id };
  const again = () => client.invalidateQueries({ queryKey: ["datasets"] });
  const restore = async () => {
    try {
      await post("/v1/datasets/{dataset_id}/restore", { path });
      await again();
    } catch (error) {
      failed(error, "It was not restored");
    }
  };
  const purge = async () => {
    await remove("/v1/datasets/{dataset_id}", { path, query: { purge: true } });
    await again();
  };
  return (
    <Group gap="xs" justify="flex-end" wrap="nowrap">
      {dataset.restorable_until && (
        <Text size="xs" c="dimmed">
          goes <When at={dataset.restorable_until} />
        </Text>
      )}
      <Button size="compact-xs" variant="default" onClick={() => void restore()}>
        Restore
      </Button>
      <ConfirmButton
        label="Purge"
        confirm="Purge the dataset"
        question="Its bytes are deleted now. This cannot be undone."
        act={purge}
      />
    </Group>
  );
}
