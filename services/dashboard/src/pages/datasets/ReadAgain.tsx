import { Autocomplete, Button, NumberInput, Select, SimpleGrid, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { post } from "@/api/http";
import { keys } from "@/live/keys";
import type { Dataset } from "@/live/lists";
import { CONTRACTS } from "@/pages/datasets/Detected";
import { asks, orderOf, type Said, startOf } from "@/pages/datasets/reading";
import { TypeFields } from "@/pages/datasets/TypeFields";
import { FormModal } from "@/parts/FormModal";
import { type Order, useOrder } from "@/parts/order";

const FIELDS = [
  "format",
  "compression",
  "encoding",
  "delimiter",
  "quote",
  "header",
  "skip",
  "decimal",
  "depth",
];
const FORMATS = ["csv", "tsv", "json", "ndjson", "parquet"];
const COMPRESSIONS = ["none", "gzip", "zstd"];
const ENCODINGS = ["utf-8", "utf-16", "cp1252", "latin-1", "shift_jis", "gb18030"];
const FOUND = "as the content says";

/** The order to read the uploaded bytes once more, otherwise. */
export function ReadAgain({ dataset }: { dataset: Dataset }) {
  const [opened, { open, close }] = useDisclosure(false);
  if (dataset.origin) return null;
  const busy = dataset.status === "validating" || dataset.status === "uploading";
  return (
    <>
      {/* it keeps the focus that comes back to it once the dialog has closed */}
      <Button
        variant="default"
        onClick={busy ? undefined : open}
        aria-disabled={busy}
        data-disabled={busy || undefined}
      >
        Read again…
      </Button>
      {opened && <Form dataset={dataset} close={close} />}
    </>
  );
}

function Form({ dataset, close }: { dataset: Dataset; close: () => void }) {
  const order = useOrder([...FIELDS, "contract", "types"]);
  const client = useQueryClient();
  const [said, setSaid] = useState(() => startOf(dataset));
  const say = (part: Partial<Said>) => setSaid((before) => ({ ...before, ...part }));
  const act = async () => {
    const path = { dataset_id: dataset.id };
    const body = orderOf(said);
    client.setQueryData(
      keys.dataset(dataset.id),
      await post("/v1/datasets/{dataset_id}/ingest", { path, body }),
    );
    await client.invalidateQueries({ queryKey: ["datasets"] });
  };
  return (
    <FormModal title="Read again" button="Read it" opened {...{ close, order, act }}>
      <Text fz="sm" c="dimmed">
        The uploaded bytes are read once more. What is left empty the content decides. If they
        cannot be read so, the present table stays.
      </Text>
      <Fields {...{ said, say, order }} />
      <Select
        label="Values of another type"
        allowDeselect={false}
        data={Object.entries(CONTRACTS).map(([value, means]) => ({
          value,
          label: `${value}: ${means}`,
        }))}
        value={said.contract}
        error={order.at("contract")}
        onChange={(contract) => say({ contract: contract ?? "evolve" })}
      />
      <TypeFields
        types={said.types}
        change={(types) => say({ types })}
        columns={(dataset.columns ?? []).map((each) => each.name)}
        error={order.at("types")}
      />
    </FormModal>
  );
}

function Fields({
  said,
  say,
  order,
}: {
  said: Said;
  say: (part: Partial<Said>) => void;
  order: Order;
}) {
  const { rows, nested, text } = asks(said.format);
  const about = { placeholder: FOUND, clearable: true };
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
      <Select
        label="Format"
        data-autofocus
        {...about}
        data={FORMATS}
        value={said.format}
        error={order.at("format")}
        onChange={(format) => say({ format })}
      />
      {text && (
        <>
          <Select
            label="Compression"
            {...about}
            data={COMPRESSIONS}
            value={said.compression}
            error={order.at("compression")}
            onChange={(compression) => say({ compression })}
          />
          <Autocomplete
            label="Encoding"
            {...about}
            data={ENCODINGS}
            value={said.encoding}
            error={order.at("encoding")}
            onChange={(encoding) => say({ encoding })}
          />
        </>
      )}
      {rows && (
        <>
          <Autocomplete
            label="Delimiter"
            {...about}
            data={[",", ";", "tab", "|", "space"]}
            filter={({ options }) => options}
            value={said.delimiter}
            error={order.at("delimiter")}
            onChange={(delimiter) => say({ delimiter })}
          />
          <Autocomplete
            label="Quote"
            {...about}
            data={['"', "'"]}
            filter={({ options }) => options}
            value={said.quote}
            error={order.at("quote")}
            onChange={(quote) => say({ quote })}
          />
          <Select
            label="Header"
            {...about}
            data={[
              { value: "true", label: "the first row" },
              { value: "false", label: "none" },
            ]}
            value={said.header}
            error={order.at("header")}
            onChange={(header) => say({ header })}
          />
          <NumberInput
            label="Lines to skip"
            description="Titles and notes above the table"
            placeholder={FOUND}
            min={0}
            max={1000}
            allowDecimal={false}
            value={said.skip}
            error={order.at("skip")}
            onChange={(skip) => say({ skip })}
          />
          <Select
            label="Decimal mark"
            description="Stands before the fraction"
            placeholder="a point"
            clearable
            data={[
              { value: ".", label: "point: 1234.5" },
              { value: ",", label: "comma: 1.234,5" },
            ]}
            value={said.decimal}
            error={order.at("decimal")}
            onChange={(decimal) => say({ decimal })}
          />
        </>
      )}
      {nested && (
        <NumberInput
          label="Depth"
          description="Levels of nested objects that become columns"
          placeholder="4"
          min={0}
          max={16}
          value={said.depth}
          error={order.at("depth")}
          onChange={(depth) => say({ depth })}
        />
      )}
    </SimpleGrid>
  );
}
