"""The page as one text: template, style, scripts and data, with a policy that lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from leadterm.catalog.products import Product
from leadterm.report.script_bundle import embedded
from leadterm.storage import Location

PAGE = "index.html"
SCRIPTS = (
    "data",
    "dom",
    "colours",
    "heatmap",
    "chart",
    "scores",
    "alignment",
    "curves",
    "losses",
    "agreement",
    "explorer",
    "accounts",
    "main",
)
"""Of ``assets``, in the order in which they are put together into one script."""


def page(title: str, blocks: Mapping[str, Any]) -> str:
    """Put the page together.

    Parameters
    ----------
    title
        Of the page.
    blocks
        Data by name; the scripts find each as the JSON text of the element ``data-<name>``.

    Returns
    -------
    str
        HTML with no address that would be loaded. Its policy allows this style and this script, by their hashes, and no
        connection at all.
    """
    style, script = _asset("style.css"), _script()
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    data = "\n".join(
        f'<script type="application/json" id="data-{name}">{embedded(value)}</script>' for name, value in blocks.items()
    )
    parts = {"title": html.escape(title), "policy": policy, "style": style, "data": data, "script": script}
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _asset("page.html"))


def _script() -> str:
    """Put the scripts together, with names that no other script could see."""
    parts = "\n".join(_asset(f"{name}.js") for name in SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}\n}})();\n'


def _asset(name: str) -> str:
    """Read a file that comes with this room."""
    return (files("leadterm.report") / "assets" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """Hash an element's text as a policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def page_address(run: Location) -> str | None:
    """Give the address of a run's page for a browser; None if there is none."""
    place = run / Product.REPORT / PAGE
    if not place.exists():
        return None
    return Path(place.path).as_uri() if run.is_local else place.uri
