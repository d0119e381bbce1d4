"""Makes up corpora of odd files, good and bad, each with what whoever wrote it meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from support.odd_corpora.line_files import line_file
from support.odd_corpora.settings import SETTINGS, OddFile, Setting
from support.odd_corpora.table_files import table_file


def odd_files(seed: int, setting: Setting, number: int) -> Iterator[OddFile]:
    """Make up so many files for a setting; the same ones for the same seed."""
    random = Random(f"{seed} {setting.name}")  # nobody is to be surprised by these
    setting = replace(setting, is_literal=random.random() < 0.3)  # All files of a corpus have one layout.
    make = line_file if setting.asked.format == "json" else table_file
    for at in range(number):
        yield make(random, setting, at)


__all__ = ["SETTINGS", "OddFile", "Setting", "odd_files"]
