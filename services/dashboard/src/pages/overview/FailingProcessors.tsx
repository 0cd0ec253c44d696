import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { failuresQuery } from "@/api/queries";
import { Ranked } from "@/charts/Bars";
import { dayAgo } from "@/pages/operations/since";
import { Empty, Loaded } from "@/parts/Page";
import { Panel } from "@/parts/Panel";

/** Which processors failed most in the last day. */
export function FailingProcessors() {
  const failures = useQuery(failuresQuery(dayAgo()));
  const rows = useMemo(() => {
    const sums = new Map<string, number>();
    for (const each of failures.data ?? []) {
      const name = each.processor ?? "no processor";
      sums.set(name, (sums.get(name) ?? 0) + each.count);
    }
    return [...sums].sort((a, b) => b[1] - a[1]).slice(0, 6);
  }, [failures.data]);
  return (
    <Panel
      title="Failing processors"
      aside={
        <Link to="/failures" className="small">
          Inbox
        </Link>
      }
    >
      <Loaded of={failures} height={60}>
        {() =>
          rows.length > 0 ? (
            <Ranked rows={rows} color="var(--tm-failed)" />
          ) : (
            <Empty title="Nothing failed">In the last 24 hours.</Empty>
          )
        }
      </Loaded>
    </Panel>
  );
}
