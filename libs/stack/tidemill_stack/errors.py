"""What keeps the stack from starting."""

from tidemill_kit.errors import Conflict, Invalid, NotFound, Unavailable


class DataInUse(Conflict):
    """Another stack runs on this data folder."""


class NotRunning(NotFound):
    """No stack runs on this data folder."""


class StartFailed(Unavailable):
    """A part of the stack did not start."""


class NotReady(Unavailable):
    """It does not answer yet."""


class AddressTaken(Conflict):
    """Something else listens on this port."""


class StoreOpen(Invalid):
    """The object store answers strangers."""


class PlainAddress(Invalid):
    """Plain HTTP on an address that others can reach; use --domain, or --insecure if you must."""
