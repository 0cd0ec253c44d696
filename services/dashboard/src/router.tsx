/** Addresses: each page is a link that can be sent, and loads when it is first visited. */
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { signedIn } from "@/api/session";
import { parseSearch, stringifySearch } from "@/search";
import { Shell } from "@/shell/Shell";
import { NotFound, Trouble } from "@/shell/Trouble";

const root = createRootRoute({ component: Outlet });

const optional = (value: unknown) => (typeof value === "string" && value ? value : undefined);

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: (search: Record<string, unknown>): { to?: string } => ({
    to: optional(search["to"]),
  }),
  component: lazyRouteComponent(() => import("@/pages/sign/SignIn"), "SignIn"),
});

const signUp = createRoute({
  getParentRoute: () => root,
  path: "/sign-up",
  component: lazyRouteComponent(() => import("@/pages/sign/SignUp"), "SignUp"),
});

const setup = createRoute({
  getParentRoute: () => root,
  path: "/setup",
  component: lazyRouteComponent(() => import("@/pages/sign/Link"), "Setup"),
});

const invitation = createRoute({
  getParentRoute: () => root,
  path: "/invitation",
  component: lazyRouteComponent(() => import("@/pages/sign/Link"), "Invitation"),
});

const reset = createRoute({
  getParentRoute: () => root,
  path: "/reset",
  component: lazyRouteComponent(() => import("@/pages/sign/Link"), "Reset"),
});

const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  component: Shell,
  beforeLoad: ({ location }) => {
    if (!signedIn()) throw redirect({ to: "/sign-in", search: { to: location.href } });
  },
});

const overview = createRoute({
  getParentRoute: () => inside,
  path: "/",
  component: lazyRouteComponent(() => import("@/pages/overview/Overview"), "Overview"),
});

export const jobs = createRoute({
  getParentRoute: () => inside,
  path: "/jobs",
  validateSearch: (search: Record<string, unknown>): { q?: string; cursor?: string } => ({
    q: optional(search["q"]),
    cursor: optional(search["cursor"]),
  }),
  component: lazyRouteComponent(() => import("@/pages/jobs/Jobs"), "Jobs"),
});

export const newJob = createRoute({
  getParentRoute: () => inside,
  path: "/jobs/new",
  validateSearch: (
    search: Record<string, unknown>,
  ): { processor?: string; pipeline?: string; dataset?: string } => ({
    processor: optional(search["processor"]),
    pipeline: optional(search["pipeline"]),
    dataset: optional(search["dataset"]),
  }),
  component: lazyRouteComponent(() => import("@/pages/newjob/NewJob"), "NewJob"),
});

export const job = createRoute({
  getParentRoute: () => inside,
  path: "/jobs/$id",
  validateSearch: (search: Record<string, unknown>): { tab?: string; at?: number } => ({
    tab: optional(search["tab"]),
    at: Number(search["at"]) || undefined,
  }),
  component: lazyRouteComponent(() => import("@/pages/job/JobPage"), "JobPage"),
});

export const datasets = createRoute({
  getParentRoute: () => inside,
  path: "/datasets",
  validateSearch: (search: Record<string, unknown>): { cursor?: string; trash?: string } => ({
    cursor: optional(search["cursor"]),
    trash: optional(search["trash"]),
  }),
  component: lazyRouteComponent(() => import("@/pages/datasets/Datasets"), "Datasets"),
});

export const dataset = createRoute({
  getParentRoute: () => inside,
  path: "/datasets/$id",
  validateSearch: (search: Record<string, unknown>): { tab?: string } => ({
    tab: optional(search["tab"]),
  }),
  component: lazyRouteComponent(() => import("@/pages/datasets/DatasetPage"), "DatasetPage"),
});

const pipelines = createRoute({
  getParentRoute: () => inside,
  path: "/pipelines",
  component: lazyRouteComponent(() => import("@/pages/pipelines/Pipelines"), "Pipelines"),
});

export const pipeline = createRoute({
  getParentRoute: () => inside,
  path: "/pipelines/$name",
  component: lazyRouteComponent(() => import("@/pages/pipelines/PipelinePage"), "PipelinePage"),
});

export const events = createRoute({
  getParentRoute: () => inside,
  path: "/events",
  validateSearch: (search: Record<string, unknown>): { after?: string; types?: string } => ({
    after: optional(search["after"]),
    types: optional(search["types"]),
  }),
  component: lazyRouteComponent(() => import("@/pages/events/Events"), "Events"),
});

const queues = createRoute({
  getParentRoute: () => inside,
  path: "/queues",
  component: lazyRouteComponent(() => import("@/pages/operations/Queues"), "Queues"),
});

const workers = createRoute({
  getParentRoute: () => inside,
  path: "/workers",
  component: lazyRouteComponent(() => import("@/pages/operations/Workers"), "Workers"),
});

const failures = createRoute({
  getParentRoute: () => inside,
  path: "/failures",
  component: lazyRouteComponent(() => import("@/pages/operations/Failures"), "Failures"),
});

const apiKeys = createRoute({
  getParentRoute: () => inside,
  path: "/api-keys",
  component: lazyRouteComponent(() => import("@/pages/account/ApiKeys"), "ApiKeys"),
});

const sessions = createRoute({
  getParentRoute: () => inside,
  path: "/sessions",
  component: lazyRouteComponent(() => import("@/pages/account/Sessions"), "Sessions"),
});

const members = createRoute({
  getParentRoute: () => inside,
  path: "/members",
  component: lazyRouteComponent(() => import("@/pages/account/Members"), "Members"),
});

const audit = createRoute({
  getParentRoute: () => inside,
  path: "/audit",
  validateSearch: (
    search: Record<string, unknown>,
  ): { actor_id?: string; action?: string; target?: string; cursor?: string } => ({
    actor_id: optional(search["actor_id"]),
    action: optional(search["action"]),
    target: optional(search["target"]),
    cursor: optional(search["cursor"]),
  }),
  component: lazyRouteComponent(() => import("@/pages/account/Audit"), "Audit"),
});

const usage = createRoute({
  getParentRoute: () => inside,
  path: "/usage",
  component: lazyRouteComponent(() => import("@/pages/account/Usage"), "Usage"),
});

const schedules = createRoute({
  getParentRoute: () => inside,
  path: "/schedules",
  validateSearch: (search: Record<string, unknown>): { cursor?: string } => ({
    cursor: optional(search["cursor"]),
  }),
  component: lazyRouteComponent(() => import("@/pages/schedules/Schedules"), "Schedules"),
});

const newSchedule = createRoute({
  getParentRoute: () => inside,
  path: "/schedules/new",
  component: lazyRouteComponent(() => import("@/pages/schedules/NewSchedule"), "NewSchedule"),
});

const schedule = createRoute({
  getParentRoute: () => inside,
  path: "/schedules/$id",
  validateSearch: (search: Record<string, unknown>): { tab?: string; cursor?: string } => ({
    tab: optional(search["tab"]),
    cursor: optional(search["cursor"]),
  }),
  component: lazyRouteComponent(() => import("@/pages/schedules/SchedulePage"), "SchedulePage"),
});

const webhooks = createRoute({
  getParentRoute: () => inside,
  path: "/webhooks",
  validateSearch: (search: Record<string, unknown>): { cursor?: string } => ({
    cursor: optional(search["cursor"]),
  }),
  component: lazyRouteComponent(() => import("@/pages/webhooks/Webhooks"), "Webhooks"),
});

const webhook = createRoute({
  getParentRoute: () => inside,
  path: "/webhooks/$id",
  validateSearch: (search: Record<string, unknown>): { status?: string; cursor?: string } => ({
    status: optional(search["status"]),
    cursor: optional(search["cursor"]),
  }),
  component: lazyRouteComponent(() => import("@/pages/webhooks/WebhookPage"), "WebhookPage"),
});

const archives = createRoute({
  getParentRoute: () => inside,
  path: "/archives",
  validateSearch: (search: Record<string, unknown>): { cursor?: string } => ({
    cursor: optional(search["cursor"]),
  }),
  component: lazyRouteComponent(() => import("@/pages/archives/Archives"), "Archives"),
});

const archive = createRoute({
  getParentRoute: () => inside,
  path: "/archives/$id",
  validateSearch: (search: Record<string, unknown>): { at?: number } => ({
    at: Number(search["at"]) || undefined,
  }),
  component: lazyRouteComponent(() => import("@/pages/archives/ArchivePage"), "ArchivePage"),
});

const tree = root.addChildren([
  signIn,
  signUp,
  setup,
  invitation,
  reset,
  inside.addChildren([
    overview,
    jobs,
    newJob,
    job,
    datasets,
    dataset,
    pipelines,
    pipeline,
    events,
    queues,
    workers,
    failures,
    schedules,
    newSchedule,
    schedule,
    webhooks,
    webhook,
    archives,
    archive,
    apiKeys,
    sessions,
    members,
    audit,
    usage,
  ]),
]);

export const router = createRouter({
  routeTree: tree,
  defaultPreload: "intent",
  defaultErrorComponent: Trouble,
  defaultNotFoundComponent: NotFound,
  scrollRestoration: true,
  parseSearch,
  stringifySearch,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
