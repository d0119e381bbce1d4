"""What an interruption may leave in a run, and nothing else may."""

from pathlib import Path

from leadterm.storage.read_products import FINISHED


def leftovers(run: Path) -> list[Path]:
    """List the hidden files and folders of a run, but the note of the command that finished it."""
    return [path for path in run.glob(".*") if path.name != FINISHED]
