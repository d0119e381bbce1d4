"""Every error a user can meet, each with what was wrong, what was found, and what to do."""


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
