"""Files and folders that appear whole or not at all: written under another name, then renamed."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leadterm.errors import MachineError


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Give a path beside the target to write a file or a folder to; after the block it is the target.

    What the target was before is replaced. If the block raises, the target is as it was.

    Raises
    ------
    MachineError
        If the folder cannot be made or written to, or the disk is full.
    """
    partial = target.with_name(f".{target.name}.partial-{uuid.uuid4().hex[:12]}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        if target.is_dir():
            _remove(target)
        partial.replace(target)
    except OSError as error:
        raise MachineError(
            f"cannot write {target}: {error}. Choose a folder that you may write to, on a disk with space left."
        ) from error
    finally:
        _remove(partial)


def _remove(path: Path) -> None:
    """Delete a file or folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()
