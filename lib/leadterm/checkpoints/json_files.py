"""JSON files of a folder of a model."""

import json
from pathlib import Path
from typing import Any

from leadterm.errors import InputError
from leadterm.utf8 import decode_utf8


def read_text(path: Path) -> str:
    """Read a text file of a model's folder, without a byte order mark.

    Raises
    ------
    InputError
        If it cannot be read, or is not UTF-8.
    """
    try:
        return decode_utf8(path.read_bytes())
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: expected JSON; found something else ({error}). Download it again.") from error


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises
    ------
    InputError
        If it holds something else, or cannot be read.
    """
    try:
        content = json.loads(read_text(path))
        if not isinstance(content, dict):
            raise ValueError(f"it holds a {type(content).__name__}")
        return content
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected JSON; found something else ({error}). Download it again.") from error
