"""The errors that a user can meet; each message says what was wrong, what was found and what to do."""

import signal


class LeadtermError(Exception):
    """Base of all errors that leadterm raises on purpose; its message is meant for the user."""


class ConfigError(LeadtermError):
    """A configuration file has an unknown key, a value of the wrong type or an impossible combination."""


class InputError(LeadtermError):
    """A corpus, a column, a tokenizer or another input is missing, broken or of the wrong kind."""


class UnknownFilesystemError(InputError):
    """Neither pyarrow nor fsspec can open a URL of this scheme here, though Spark perhaps can."""


class RunError(LeadtermError):
    """A run directory lacks a product, contains one of another run, or its bytes are not what its manifest says."""


class CountOverflowError(LeadtermError):
    """A count does not fit int64 at the chosen fixed-point scale."""


class TrainingError(LeadtermError):
    """A training diverged, or its checkpoint is damaged or belongs to another training."""


class AxisError(LeadtermError, ValueError):
    """Two operators were combined along axes of different meanings or sizes."""


class MachineError(LeadtermError):
    """The machine lacks something that leadterm needs (Java, disk space, a CUDA device)."""


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
    """Return the signal that caused an error (Spark's jobs fail when they are cancelled), or None."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return error
        error = error.__cause__ or error.__context__
    return None


def reason_of(error: BaseException) -> dict[str, str]:
    """Say for a log what ended a job: the kind of error and its message or, for a stopped process, the signal."""
    error = interruption_in(error) or error
    reason = str(error) or ("stopped by SIGINT" if isinstance(error, KeyboardInterrupt) else "")
    return {"error": type(error).__name__, "reason": reason}
