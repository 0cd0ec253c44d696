import { Stack, Text } from "@mantine/core";
import {
  IconActivity,
  IconAlertTriangle,
  IconArchive,
  IconBolt,
  IconBook,
  IconCalendarTime,
  IconChartBar,
  IconCpu,
  IconDatabase,
  IconDevices,
  IconGauge,
  IconKey,
  IconListDetails,
  IconRoute,
  IconStack2,
  IconUsers,
  IconWebhook,
} from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { meQuery } from "@/api/queries";

const WORK = [
  { to: "/", label: "Overview", icon: IconGauge },
  { to: "/jobs", label: "Jobs", icon: IconBolt },
  { to: "/datasets", label: "Datasets", icon: IconDatabase },
  { to: "/pipelines", label: "Pipelines", icon: IconRoute },
  { to: "/schedules", label: "Schedules", icon: IconCalendarTime },
  { to: "/events", label: "Events", icon: IconActivity },
] as const;
const OPERATIONS = [
  { to: "/queues", label: "Queues", icon: IconStack2 },
  { to: "/workers", label: "Workers", icon: IconCpu },
  { to: "/failures", label: "Failed inbox", icon: IconAlertTriangle },
  { to: "/webhooks", label: "Webhooks", icon: IconWebhook },
  { to: "/archives", label: "Archives", icon: IconArchive },
] as const;
const ACCESS = [
  { to: "/api-keys", label: "API keys", icon: IconKey },
  { to: "/sessions", label: "Sessions", icon: IconDevices },
  { to: "/members", label: "Members", icon: IconUsers, admin: true },
  { to: "/audit", label: "Audit", icon: IconListDetails, admin: true },
  { to: "/usage", label: "Usage", icon: IconChartBar },
] as const;
const GROUPS = [
  { title: "Work", places: WORK },
  { title: "Operations", places: OPERATIONS },
  { title: "Access", places: ACCESS },
] as const;

export function Navigation() {
  const me = useQuery(meQuery);
  const isAdmin = me.data?.role === "admin";
  return (
    <Stack component="nav" gap={2} mih="100%" aria-label="Pages">
      {GROUPS.map(({ title, places }) => (
        <section key={title} aria-label={title} className="nav-group">
          {title !== "Work" && (
            <Text fz={11} fw={600} c="dimmed" px={10} pt={10} pb={3}>
              {title}
            </Text>
          )}
          {places
            .filter((place) => isAdmin || !("admin" in place))
            .map(({ to, label, icon: Icon }) => (
              <Link key={to} to={to} className="nav-link" activeOptions={{ exact: to === "/" }}>
                <Icon size={17} stroke={1.7} aria-hidden />
                {label}
              </Link>
            ))}
        </section>
      ))}
      <a className="nav-link" href="/docs/" style={{ marginTop: "auto" }}>
        <IconBook size={17} stroke={1.7} aria-hidden />
        API reference
      </a>
    </Stack>
  );
}
