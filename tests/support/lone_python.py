"""Runs a program in a Python of its own, in which some packages cannot be imported, and says what it imported."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LIBRARY = Path(__file__).parents[2] / "lib"
FRAME = """
import sys
from importlib.machinery import PathFinder

class Others(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in {refused!r} else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Others
sys.argv[1:] = {arguments!r}
try:
    exec(compile({program!r}, "program", "exec"), {{"__name__": "__main__"}})
finally:
    print("imported", *sorted({{name.partition(".")[0] for name in sys.modules}}), file=sys.__stdout__)
"""


@dataclass(frozen=True)
class Ended:
    """How a program ended: what it printed, its errors, its exit status, and the packages it imported."""

    output: str
    errors: str
    status: int
    imported: frozenset[str]


def run_alone(program: str, *arguments: str, refused: Sequence[str] = ()) -> Ended:
    """Run a program with nothing imported before; packages that are refused are as if not installed."""
    code = FRAME.format(refused=frozenset(refused), program=program, arguments=list(arguments))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(LIBRARY), *filter(None, sys.path)])}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    output, _, imported = ended.stdout.rstrip("\n").rpartition("imported ")
    return Ended(output, ended.stderr, ended.returncode, frozenset(imported.split()))
