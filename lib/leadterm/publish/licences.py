"""Licences as SPDX names them, as the Hugging Face hub does, and as addresses."""

import re
from typing import Any

HUB = {
    "ODC-By-1.0": "odc-by",
    "ODbL-1.0": "odbl",
    "PDDL-1.0": "pddl",
    "GPL-2.0-only": "gpl-2.0",
    "GPL-3.0-only": "gpl-3.0",
    "LGPL-2.1-only": "lgpl-2.1",
    "LGPL-3.0-only": "lgpl-3.0",
    "AGPL-3.0-only": "agpl-3.0",
    "GFDL-1.3-only": "gfdl",
    "C-UDA-1.0": "c-uda",
    **{
        name: name.lower()
        for name in (
            *(f"CC-BY-{version}" for version in ("2.0", "2.5", "3.0", "4.0")),
            *(f"CC-BY-SA-{version}" for version in ("3.0", "4.0")),
            *(f"CC-BY-NC-{version}" for version in ("2.0", "3.0", "4.0")),
            *(f"CC-BY-NC-SA-{version}" for version in ("2.0", "3.0", "4.0")),
            *(f"CC-BY-NC-ND-{version}" for version in ("3.0", "4.0")),
            *("CC-BY-ND-4.0", "CC0-1.0", "CDLA-Permissive-1.0", "CDLA-Permissive-2.0", "CDLA-Sharing-1.0"),
            *("Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "MPL-2.0", "ISC", "Unlicense", "Zlib"),
            *("EUPL-1.1", "EUPL-1.2", "EPL-2.0", "OFL-1.1", "OSL-3.0", "AFL-3.0", "Artistic-2.0", "WTFPL", "NCSA"),
        )
    },
}
"""What the hub calls a licence, by its SPDX identifier; it has no name for the others."""

_IDENTIFIER = re.compile(r"[A-Za-z0-9.+-]+")


def licence_address(expression: str) -> str | None:
    """Give the address of a licence; None for an expression of several, and for one that SPDX does not list.

    Examples
    --------
    >>> licence_address("CC-BY-4.0")
    'https://spdx.org/licenses/CC-BY-4.0'
    """
    if not _IDENTIFIER.fullmatch(expression) or expression.startswith("LicenseRef-"):
        return None
    return f"https://spdx.org/licenses/{expression.removesuffix('+')}"


def licence_link(expression: str) -> str:
    """Write a licence as Markdown."""
    address = licence_address(expression)
    return f"[{expression}]({address})" if address else expression


def licence_header(expression: str | None) -> dict[str, Any]:
    """Write a licence as the header of a card on the hub.

    Examples
    --------
    >>> licence_header("ODC-By-1.0"), licence_header("W3C")["license_name"]
    ({'license': 'odc-by'}, 'w3c')
    """
    if expression is None:
        return {"license": "unknown"}
    if expression in HUB:
        return {"license": HUB[expression]}
    address = licence_address(expression)
    named = {"license": "other", "license_name": expression.lower().replace(" ", "-")}
    return named | ({"license_link": address} if address else {})
