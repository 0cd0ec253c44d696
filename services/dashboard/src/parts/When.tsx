/** Times that stay true while they are looked at. */
import { ago, dated, lasted } from "@/live/figures";
import { store, useStore } from "@/live/store";

const EVERY_MS = 1_000;
const now = store(Date.now());
setInterval(() => {
  if (!document.hidden) now.set(Date.now());
}, EVERY_MS);

export function useNow(): number {
  return useStore(now);
}

export function When({ at }: { at: string | null | undefined }) {
  const moment = useNow();
  if (!at) return <span>–</span>;
  return (
    <time dateTime={at} title={dated(at)} className="num">
      {ago(at, sooner(moment, Date.parse(at)))}
    </time>
  );
}

/** What has just happened may be ahead of a clock that ticks once a second; what is to come is. */
function sooner(moment: number, at: number): number {
  return at > moment && at - moment < 2 * EVERY_MS ? at : moment;
}

/** How long it took, or has taken so far. */
export function Lasting({
  from,
  to,
}: {
  from: string | null | undefined;
  to: string | null | undefined;
}) {
  return to || !from ? <Took from={from} to={to} /> : <SoFar from={from} />;
}

function Took({ from, to }: { from: string | null | undefined; to: string | null | undefined }) {
  return (
    <span className="num">{from && to ? lasted(Date.parse(to) - Date.parse(from)) : "–"}</span>
  );
}

function SoFar({ from }: { from: string }) {
  const moment = useNow();
  return <span className="num">{lasted(Math.max(0, moment - Date.parse(from)))}</span>;
}
