"""Every error a user can meet, each with what was wrong, what was found, and what to do."""

import signal


class LeadtermError(Exception):
    """Base of all errors that leadterm raises on purpose; its message is meant for the user."""


class ConfigError(LeadtermError):
    """A configuration file has an unknown key, a value of the wrong type or an impossible combination."""


class InputError(LeadtermError):
    """A corpus, a column, a tokenizer or another input is missing, broken or of the wrong kind."""


class UnknownFilesystemError(InputError):
    """A URL's scheme is one that neither pyarrow nor fsspec can open here, though Spark perhaps can."""


class RunError(LeadtermError):
    """A run directory lacks a product, holds another run's, or its bytes are not what its manifest says."""


class CountOverflowError(LeadtermError):
    """A count does not fit int64 at the chosen fixed-point scale."""


class TrainingError(LeadtermError):
    """A training diverged, or its checkpoint is damaged or another training's."""


class AxisError(LeadtermError, ValueError):
    """Two operators were combined along axes that mean different things, or sizes that differ."""


class MachineError(LeadtermError):
    """The machine lacks something leadterm needs (a Java, disk space, a CUDA device)."""


class Stopped(KeyboardInterrupt):
    """A signal asked the process to stop: a scheduler's SIGTERM, or the SIGHUP of a terminal that was closed.

    Parameters
    ----------
    number
        Of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    def __str__(self) -> str:
        return f"stopped by {signal.Signals(self.number).name}"


def interruption_in(error: BaseException | None) -> KeyboardInterrupt | None:
    """Find the signal that an error is a consequence of, as Spark's jobs fail when they are cancelled; None if none."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return error
        error = error.__cause__ or error.__context__
    return None


def reason_of(error: BaseException) -> dict[str, str]:
    """Say for a log what ended something: the kind of the error, and why; of a stopped process, which signal it was."""
    error = interruption_in(error) or error
    reason = str(error) or ("stopped by SIGINT" if isinstance(error, KeyboardInterrupt) else "")
    return {"error": type(error).__name__, "reason": reason}
