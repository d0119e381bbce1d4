"""The configs that commands are given; reading one takes packages that a reader of runs need not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadterm.packages import FOR_SPARK_ALONE, require_packages

if TYPE_CHECKING:
    from leadterm.config import Config


def read_config(path: str) -> Config:
    """Read and check a config.

    Raises
    ------
    ConfigError
        If it cannot be read, or something in it is wrong.
    MachineError
        If packages are missing that this takes.
    """
    require_packages("a config", "spark", without=FOR_SPARK_ALONE)
    from leadterm.config import load_config  # noqa: PLC0415  # brings pydantic

    return load_config(path)
