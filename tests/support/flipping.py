"""Damage to files."""

from pathlib import Path


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    """Take the second half of a file away."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


DAMAGES = {"flipped": flip, "cut": cut, "empty": lambda path: path.write_bytes(b""), "gone": Path.unlink}
"""What may happen to a file in a staging folder."""
