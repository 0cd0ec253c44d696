import { Box } from "@mantine/core";
import { write } from "@/api/json";
import { Copy } from "@/parts/Copy";
import { Scroller } from "@/parts/Scroller";

/** A value as JSON, every digit of it. */
export function JsonBlock({
  value,
  label,
  most = 420,
}: {
  value: unknown;
  label: string;
  most?: number;
}) {
  const text = write(value, 2);
  return (
    <Box pos="relative">
      <Box pos="absolute" top={4} right={12} style={{ zIndex: 1 }}>
        <Copy text={text} label={`Copy ${label.toLowerCase()}`} />
      </Box>
      <Scroller label={label} style={{ maxHeight: most }}>
        <pre className="block">{text}</pre>
      </Scroller>
    </Box>
  );
}
