import { Stack } from "@mantine/core";
import {
  IconActivity,
  IconAlertTriangle,
  IconBolt,
  IconBook,
  IconCpu,
  IconDatabase,
  IconGauge,
  IconRoute,
  IconStack2,
} from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";

const PLACES = [
  { to: "/", label: "Overview", icon: IconGauge },
  { to: "/jobs", label: "Jobs", icon: IconBolt },
  { to: "/datasets", label: "Datasets", icon: IconDatabase },
  { to: "/pipelines", label: "Pipelines", icon: IconRoute },
  { to: "/events", label: "Events", icon: IconActivity },
  { to: "/queues", label: "Queues", icon: IconStack2 },
  { to: "/workers", label: "Workers", icon: IconCpu },
  { to: "/failures", label: "Failed inbox", icon: IconAlertTriangle },
] as const;

export function Navigation() {
  return (
    <Stack component="nav" gap={2} h="100%" aria-label="Pages">
      {PLACES.map(({ to, label, icon: Icon }) => (
        <Link key={to} to={to} className="nav-link" activeOptions={{ exact: to === "/" }}>
          <Icon size={17} stroke={1.7} aria-hidden />
          {label}
        </Link>
      ))}
      <a className="nav-link" href="/docs/" style={{ marginTop: "auto" }}>
        <IconBook size={17} stroke={1.7} aria-hidden />
        API reference
      </a>
    </Stack>
  );
}
