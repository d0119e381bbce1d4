"""Numbers as text inside a page: little-endian arrays in base64, which a browser reads without parsing digits."""

from __future__ import annotations

import base64
import json
from typing import Any

from numpy.typing import NDArray

ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""What could end a script element, begin a comment or break a line of JavaScript, as JSON may write it too."""


def packed(numbers: NDArray[Any]) -> dict[str, str]:
    """Write an array as its type and its bytes: ``f4``, ``u2`` or ``u4``.

    Examples
    --------
    >>> import numpy as np
    >>> packed(np.array([1, 258], dtype=np.uint16))
    {'type': 'u2', 'base64': 'AQACAQ=='}
    """
    little = numbers.astype(numbers.dtype.newbyteorder("<"), copy=False)
    return {"type": numbers.dtype.str[1:], "base64": base64.b64encode(little.tobytes()).decode()}


def embedded(data: Any) -> str:
    r"""Write data as JSON that stays data wherever it stands in a page.

    Examples
    --------
    >>> print(embedded({"token": "</script>"}))
    {"token":"\u003c/script\u003e"}
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character, escape in ESCAPES.items():
        text = text.replace(character, escape)
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
