"""The whole system on one machine: servers, services and gateway, started and kept alive."""

import signal
from asyncio import TaskGroup
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

from tidemill_stack import gateway, layout, migrations, postgres, servers, services, state
from tidemill_stack.child import Child
from tidemill_stack.component import Component
from tidemill_stack.credentials import Credentials, load_or_make
from tidemill_stack.errors import StartFailed
from tidemill_stack.gateway import Gateway
from tidemill_stack.ports import Ports
from tidemill_stack.services import Surroundings
from tidemill_stack.settings import bare, cpu_count, environment, external, for_python

START_S = 120.0
type Report = Callable[[str, float], None]


class Stack:
    """Real servers and services as children of this process; `async with` starts and stops them.

    `port` 0 takes a free one for the gateway. `services` names those to start, `()` none: then
    only the servers run, with every service's tables, and there is no gateway. `env` comes on top
    of every service's environment. Public attributes are there once it has started.
    """

    url: str
    urls: dict[str, str]
    ports: dict[str, int]
    nats_url: str
    s3_endpoint: str
    credentials: Credentials

    def __init__(
        self,
        data: Path,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        domain: str | None = None,
        slots: int | None = None,
        services: Collection[str] | None = None,
        env: Mapping[str, str] | None = None,
        report: Report | None = None,
    ) -> None:
        self.data = data.absolute()
        self._given = {**environment(), **(env or {})}
        self._external = external(self._given)
        self._gateway = Gateway(host=host, port=port, domain=domain)
        self._slots = slots or cpu_count()
        self._wanted = services
        self._report = report
        self._children: dict[str, Child] = {}
        self._lock: state.Lock | None = None
        self._ports = Ports({})
        self._began = monotonic()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start everything; whatever is in the way, nothing is left running."""
        self._lock = state.Lock(self.data)
        try:
            self._settle()
            async with TaskGroup() as tasks:
                # nobody asks for objects while it starts
                tasks.create_task(self._start_store())
                await self._start_servers()
                await self._start_services()
        except BaseExceptionGroup as group:
            await self.stop()
            raise _first(group) from None
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop everything in reverse order: gateway and processor, who asks them, servers."""
        servers_last = ("weed", "nats-server", "postgres")
        # a processor has last words for the jobs service
        first = ("caddy", "tidemill-processor")
        services_next = [n for n in self._children if n not in (*servers_last, *first)]
        for names in (first, services_next, servers_last):
            async with TaskGroup() as tasks:
                for name in names:
                    if name in self._children:
                        tasks.create_task(self._children[name].stop())
        self._ports.release()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def has(self, name: str) -> bool:
        """Whether this service or server is started here."""
        return name in self._children or f"tidemill-{name}" in self._children

    def pid(self, name: str) -> int | None:
        """The pid of a service (`jobs`) or server (`nats-server`); None while it is down."""
        return self._child(name).pid

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal; answers the pid it went to, for `ready`."""
        child = self._child(name)
        pid = child.pid
        child.send(number)
        return pid or 0

    async def ready(
        self, name: str, *, instead_of: int | None = None, within_s: float = START_S
    ) -> int:
        """Wait until it answers, in a process other than the one with the pid given: its pid."""
        return await self._child(name).ready(within_s, instead_of=instead_of)

    async def restart(self, name: str) -> None:
        """End it gently; it is started again at once."""
        await self._child(name).restart()

    async def take_down(self, name: str) -> None:
        """End it gently; it stays down until `bring_up`."""
        await self._child(name).stop()

    async def bring_up(self, name: str) -> int:
        """Start what was taken down, and wait until it answers: its pid."""
        child = self._child(name)
        child.start()
        return await child.ready(START_S)

    def running(self) -> list[state.Running]:
        return [child.running() for child in self._children.values()]

    def env(self, service: str) -> dict[str, str]:
        """The environment of a service, started or not."""
        return services.environment(service, self._around)

    def postgres_url(self, role: str = "admin") -> str:
        """The database's URL for a service's role, or for the owner of all tables."""
        admin_url = self._addresses.admin_database_url
        if role == "admin":
            return admin_url
        password = self.credentials.postgres[role]
        return services.role_url(admin_url, f"tidemill_{role}", password)

    def _settle(self) -> None:
        """Decide on ports, secrets and addresses; the ports are those of the last time if free."""
        known = services.installed()
        started = sorted(known if self._wanted is None else self._wanted)
        before = state.read(self.data)
        state.end_leftovers(self.data)
        layout.make_folders(self.data)
        self.credentials = load_or_make(self.data / "secrets", known, self._given)
        self._ports = Ports(before.ports if before else {})
        self._gateway = gateway.settle(self._gateway, self._ports)
        layout.take_ports(self._ports, known, self._external)
        self.ports = self._ports.given
        self.url = self._given.get("TM_PUBLIC_URL") or self._gateway.url
        self._addresses = layout.addresses(
            self.url, self._ports, known, self._external, self.credentials
        )
        self.urls = self._addresses.services
        self.nats_url, self.s3_endpoint = self._addresses.nats_url, self._addresses.s3_endpoint
        self._around = Surroundings(
            given=self._given,
            data=self.data,
            credentials=self.credentials,
            addresses=self._addresses,
            started=started,
            slots=self._slots,
        )
        assert self._lock is not None  # noqa: S101 - start() took it
        self._holder = self._lock.tell(self.url)
        self._write_state()

    async def _start_servers(self) -> None:
        ports, env = self.ports, bare(self._given)
        async with TaskGroup() as tasks:
            tasks.create_task(self._start_database(env))
            if self._external.nats_url is None:
                nats = servers.nats(self.data / "nats", ports, self.credentials, env)
                tasks.create_task(self._start(nats))

    async def _start_store(self) -> None:
        if self._external.s3_endpoint is None:
            folder, secrets = self.data / "seaweedfs", self.data / "secrets"
            env = bare(self._given)
            await self._start(servers.seaweedfs(folder, secrets, self.ports, self.credentials, env))

    async def _start_database(self, env: dict[str, str]) -> None:
        if self._external.admin_database_url is None:
            folder, port = self.data / "postgres", self.ports["postgres"]
            password = self.credentials.postgres_admin
            await postgres.prepare(folder, self.data / "secrets", password, env)
            await self._start(postgres.component(folder, port, password, env))
            await postgres.make_database(port, password)
        began = monotonic()
        passwords = self.credentials.postgres
        plain = for_python(self._given)
        await migrations.migrate(self._addresses.admin_database_url, passwords, plain)
        self._tell("migrations", began)

    async def _start_services(self) -> None:
        started = self._around.started
        if not started:
            return
        async with TaskGroup() as tasks:
            for name in started:
                tasks.create_task(self._start(services.component(name, self._around)))
            caddy = gateway.component(
                self.data / "gateway",
                self._gateway,
                self.ports,
                self._given,
                asks_identity="identity" in started,
            )
            tasks.create_task(self._start(caddy))

    async def _start(self, component: Component) -> None:
        began = monotonic()
        child = Child(component, self.data / "logs", self._write_state)
        self._children[component.name] = child
        child.start()
        await child.ready(START_S)
        self._tell(component.name, began)

    def _tell(self, name: str, began: float) -> None:
        if self._report is not None:
            self._report(name, monotonic() - began)

    def _child(self, name: str) -> Child:
        found = self._children.get(name) or self._children.get(f"tidemill-{name}")
        if found is None:
            raise StartFailed(f"{name} is not part of this stack")
        return found

    def _write_state(self) -> None:
        now = state.State(
            supervisor=self._holder,
            ports=self.ports,
            urls={"gateway": self.url, **self.urls},
            components=self.running(),
        )
        state.write(self.data, now)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
