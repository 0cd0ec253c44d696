import { Button, TagsInput, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { patch } from "@/api/http";
import { keys } from "@/live/keys";
import type { Dataset } from "@/live/lists";
import { labelsOf } from "@/pages/newjob/order";
import { FormModal } from "@/parts/FormModal";
import { useOrder } from "@/parts/order";

/** Its name and labels. */
export function Rename({ dataset }: { dataset: Dataset }) {
  const [opened, { open, close }] = useDisclosure(false);
  return (
    <>
      <Button variant="default" onClick={open}>
        Rename
      </Button>
      {opened && <Form dataset={dataset} close={close} />}
    </>
  );
}

function Form({ dataset, close }: { dataset: Dataset; close: () => void }) {
  const order = useOrder(["name", "labels"]);
  const client = useQueryClient();
  const [name, setName] = useState(dataset.name);
  const [labels, setLabels] = useState(
    Object.entries(dataset.labels ?? {}).map(([key, value]) => `${key}=${value}`),
  );
  const act = async () => {
    const path = { dataset_id: dataset.id };
    const body = { name, labels: labelsOf(labels) };
    client.setQueryData(
      keys.dataset(dataset.id),
      await patch("/v1/datasets/{dataset_id}", { path, body }),
    );
    await client.invalidateQueries({ queryKey: ["datasets"] });
  };
  return (
    <FormModal title="Rename" button="Store" opened {...{ close, order, act }}>
      <TextInput
        label="Name"
        required
        data-autofocus
        value={name}
        error={order.at("name")}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <TagsInput
        label="Labels"
        placeholder={labels.length ? "" : "team=data"}
        value={labels}
        error={order.at("labels")}
        onChange={setLabels}
      />
    </FormModal>
  );
}
