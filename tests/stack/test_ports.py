"""Ports are handed out once, also before anybody listens there."""

from tidemill_stack.ports import TWIN, Ports


def test_a_port_that_was_handed_out_is_given_to_no_other_stack() -> None:
    first = Ports({})
    port = first.take("jobs")
    twin = first.take("filer", twin=True)

    other = Ports({"jobs": port, "notifier": twin, "identity": twin + TWIN})
    taken = {other.take(name) for name in ("jobs", "notifier", "identity")}
    first.release()
    again = Ports({"jobs": port})

    assert taken.isdisjoint({port, twin, twin + TWIN})
    assert again.take("jobs") == port
    again.release()
    other.release()
