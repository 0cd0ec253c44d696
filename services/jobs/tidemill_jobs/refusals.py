"""Why the ledger refuses a command."""

from tidemill_kit.errors import Invalid, NotFound, Unavailable


class JobNotFound(NotFound):
    """There is no such job."""


class DatasetNotFound(NotFound):
    """There is no such dataset."""


class DatasetUnknownYet(Unavailable):
    """The dataset is not known here yet; try again in a moment."""


class DatasetUnusable(Invalid):
    """The dataset was rejected or deleted."""


class Unstorable(Invalid):
    """Something in the request cannot be stored, such as the character NUL."""


class ProcessorUnknown(Invalid):
    """There is no processor of this name."""


class ParamsInvalid(Invalid):
    """The parameters do not fit the processor's schema."""
