/** Where the filter is written, with what may be written in it. */
import { Autocomplete, Chip, Group, Kbd, Text } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { IconFilter } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { processorsQuery } from "@/api/queries";
import { QUALIFIERS, withQualifier } from "@/live/filter";
import { STATUSES } from "@/live/jobs";

const QUICK = [
  "running",
  "queued",
  "blocked",
  "retrying",
  "succeeded",
  "failed",
  "cancelled",
] as const;

export function FilterField({
  text,
  mistakes,
  change,
}: {
  text: string;
  mistakes: string[];
  change: (text: string) => void;
}) {
  const [typed, setTyped] = useState(text);
  const field = useRef<HTMLInputElement>(null);
  const processors = useQuery(processorsQuery);
  useEffect(() => setTyped(text), [text]);
  useHotkeys([["/", () => field.current?.focus()]]);
  const offers = useMemo(() => {
    const written = typed.split(" ").slice(0, -1).join(" ");
    const last = typed.split(" ").at(-1) ?? "";
    const words = [
      ...QUALIFIERS,
      ...STATUSES.map((status) => `status:${status}`),
      ...(processors.data ?? []).map((each) => `processor:${each.name}`),
    ];
    return words
      .filter((word) => word.startsWith(last) && word !== last)
      .map((word) => (written ? `${written} ${word}` : word))
      .slice(0, 12);
  }, [typed, processors.data]);
  const status = /(?:^|\s)status:(\S+)/.exec(text)?.[1] ?? null;
  return (
    <div>
      <Autocomplete
        ref={field}
        aria-label="Filter"
        placeholder="status:failed processor:normalize label:team=data"
        leftSection={<IconFilter size={15} />}
        rightSection={<Kbd size="xs">/</Kbd>}
        value={typed}
        data={offers}
        filter={({ options }) => options}
        onChange={setTyped}
        onOptionSubmit={(value) => !value.endsWith(":") && change(value)}
        onKeyDown={(event) => event.key === "Enter" && change(typed.trim())}
        onBlur={() => typed.trim() !== text && change(typed.trim())}
        error={mistakes.length > 0 ? mistakes.join(" ") : undefined}
      />
      <Chip.Group
        multiple={false}
        value={status}
        onChange={(value) =>
          change(withQualifier(text, "status", value === status ? null : String(value)))
        }
      >
        <Group gap={6} mt={8}>
          {QUICK.map((each) => (
            <Chip
              key={each}
              value={each}
              size="xs"
              variant="outline"
              onClick={() => status === each && change(withQualifier(text, "status", null))}
            >
              {each}
            </Chip>
          ))}
          <Text fz="xs" c="dimmed" visibleFrom="md">
            Enter applies what is written
          </Text>
        </Group>
      </Chip.Group>
    </div>
  );
}
