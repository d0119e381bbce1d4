"""Memory sizes as people write them."""

import re

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", re.ASCII)


def parse_bytes(size: str) -> int:
    """Convert a size such as ``"512MiB"`` to bytes.

    Units: B, KiB, MiB, GiB, TiB (powers of 1,024) and KB, MB, GB, TB (powers of 1,000), in any case.

    Raises
    ------
    ValueError
        The text is not a number and one of these units, or not a whole number of bytes.

    Examples
    --------
    >>> parse_bytes("512MiB"), parse_bytes("1.5 GB"), parse_bytes("4096")
    (536870912, 1500000000, 4096)
    """
    match = _SIZE.fullmatch(size)
    factor = _UNITS.get(match.group(2).upper()) if match else None
    if match is None or factor is None:
        raise ValueError("a number and a unit (B, KiB, MiB, GiB, TiB, KB, MB, GB, TB), such as 512MiB")
    bytes_ = float(match.group(1)) * factor
    if bytes_ != int(bytes_):
        raise ValueError("a whole number of bytes, such as 512MiB")
    return int(bytes_)
