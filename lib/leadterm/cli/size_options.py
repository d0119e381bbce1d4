"""Sizes as options."""

import argparse

from leadterm.config.size_values import parse_bytes


def size(text: str) -> int:
    """Read ``8GiB``."""
    try:
        return parse_bytes(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected {error}, found {text!r}") from error
