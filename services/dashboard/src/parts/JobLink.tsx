import { Link } from "@tanstack/react-router";

/** A job by the end of its id. */
export function JobLink({ id, before = "" }: { id: string; before?: string }) {
  return (
    <Link to="/jobs/$id" params={{ id }} className="mono">
      {before}
      {id.slice(-8)}
    </Link>
  );
}
