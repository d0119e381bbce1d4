"""Files and folders that appear whole or not at all: written under another name, then renamed."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leadterm.errors import MachineError


@contextmanager
def whole(target: Path, scratch: Path | None = None) -> Iterator[Path]:
    """Give a path in a scratch folder to write a file or a folder to; after the block it is the target.

    What the target was before is replaced. If the block raises, the target is as it was. The scratch folder lies on the
    same disk; by default it is the target's own.

    Raises
    ------
    MachineError
        If the folder cannot be made or written to, or the disk is full.
    """
    partial = (scratch or target.parent) / f".{target.name}.partial-{uuid.uuid4().hex[:12]}"
    try:
        for folder in (target.parent, partial.parent):
            folder.mkdir(parents=True, exist_ok=True)
        yield partial
        if target.is_dir():
            _remove(target)
        partial.replace(target)
    except OSError as error:
        raise MachineError(
            f"cannot write {target}: {error}. Choose a folder that you can write to, on a disk with free space."
        ) from error
    finally:
        _remove(partial)


def _remove(path: Path) -> None:
    """Delete a file or folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()
