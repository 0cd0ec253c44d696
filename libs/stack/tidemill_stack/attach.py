"""A stack that runs elsewhere on this machine, seen from another command."""

from pathlib import Path

from tidemill_stack import credentials, layout, services, state
from tidemill_stack.ports import Ports
from tidemill_stack.services import Surroundings
from tidemill_stack.settings import environment, external


def surroundings(data: Path) -> Surroundings:
    """What the services of the stack on this folder were started with; NotRunning without one.

    `services.environment("identity", surroundings(data))` is a service's environment.
    """
    running, given = state.running(data), environment()
    known = services.installed()
    ports = Ports({})
    ports.given = running.ports
    secrets = credentials.load_or_make(data / "secrets", known, given)
    started = [name for name in known if any(c.name.endswith(name) for c in running.components)]
    url = running.supervisor.url
    return Surroundings(
        given=given,
        data=data,
        credentials=secrets,
        addresses=layout.addresses(url, ports, known, external(given), secrets),
        started=started,
        slots=1,
    )
