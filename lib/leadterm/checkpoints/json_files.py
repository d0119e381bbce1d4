"""JSON files of a folder of a model."""

import json
from pathlib import Path
from typing import Any

from leadterm.errors import InputError


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises
    ------
    InputError
        If it holds something else, or cannot be read.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError(f"it holds a {type(content).__name__}")
        return content
    except (ValueError, OSError, RecursionError) as error:
        raise InputError(f"{path}: expected JSON; found something else ({error}). Download it again.") from error
