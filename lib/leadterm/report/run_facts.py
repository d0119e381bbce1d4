"""What a run holds and how it was made, from its manifests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from leadterm._version import __version__
from leadterm.catalog.products import Product
from leadterm.report.losses import pretrained_manifest
from leadterm.run.open_run import Run
from leadterm.storage import Manifest
from leadterm.storage.formats.alignment_table import revision_name, same_weights

MOST_SOURCES = 200
"""Files listed in the page; the rest are in the run's table of sources."""


def accounts(run: Run, scored: Sequence[Manifest]) -> dict[str, Any]:
    """Gather what the page says about the corpus, the settings and the code.

    Parameters
    ----------
    run
        Whose counts are there.
    scored
        Manifests of the alignment.

    Returns
    -------
    dict
        JSON values: ``name version facts dropped sources more_sources products notes``.
    """
    products = [run.manifest(name) for name in run.products]
    products += [trained] if (trained := pretrained_manifest(run)) else []
    sources = run.source_files.to_pylist() if Product.SOURCES in run.products else []
    return {
        "name": run.location.name,
        "version": __version__,
        "facts": _facts(run),
        "dropped": [
            [reason.replace("_", " "), number]
            for reason, number in run.manifest(Product.WINDOWS).counts.get("dropped", {}).items()
        ],
        "sources": [
            [row["path"], row["bytes"], row["rows"], row["sha256"] or _version(row)] for row in sources[:MOST_SOURCES]
        ],
        "more_sources": max(0, len(sources) - MOST_SOURCES),
        "products": [_product(manifest) for manifest in [*products, *scored]],
        "notes": [*_remarks(scored), *_twins(scored)],
    }


def _version(row: dict[str, Any]) -> str | None:
    """Say which version of a table was read; None of other sources."""
    return f"version {row['version']}" if row.get("version") else None


def _facts(run: Run) -> list[list[Any]]:
    """List what the corpus consists of: a name, a number, and what it is."""
    counts, length = run.manifest(Product.WINDOWS).counts, run.context_length
    facts = [
        ["documents", counts.get("kept"), f"kept of {counts['documents']:,} read" if "documents" in counts else ""],
        ["windows", counts["windows"], f"of up to {length:,} positions each"],
        ["positions", counts["positions"], "each has a current token, a next one and a context"],
        ["vocabulary", counts["vocabulary_size"], "different tokens"],
    ]
    held = [product for product in Product if product.pairs and product.files and product in run.products]
    facts += [[str(product), run.manifest(product).counts["nonzeros"], product.pairs] for product in held]
    return [fact for fact in facts if fact[1] is not None]


def _product(manifest: Manifest) -> dict[str, Any]:
    """Lay a manifest out: every setting and count by its dotted name, inputs and hashes; without its timings."""
    return {
        "name": manifest.product,
        "hash": manifest.content_hash,
        "version": manifest.code_version,
        "bytes": sum(entry.bytes for entry in manifest.files),
        "files": len(manifest.files),
        "settings": list(flat(manifest.settings)),
        "counts": [pair for pair in flat(manifest.counts) if pair[0] != "remarks"],
        "made_from": list(flat(manifest.made_from)),
    }


def flat(mapping: dict[str, Any], prefix: str = "") -> Iterator[list[str]]:
    """Give the values of a mapping of mappings by their dotted names, as text."""
    for key, value in mapping.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield [f"{prefix}{key}", _text(value)]


def _text(value: Any) -> str:
    """Write a value as YAML would have it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _remarks(scored: Sequence[Manifest]) -> list[dict[str, str]]:
    """List what was noticed about checkpoints; what holds for several is told once."""
    told: dict[str, list[str]] = {}
    for manifest in scored:
        for remark in manifest.counts.get("remarks", ()):
            told.setdefault(remark, []).append(revision_name(manifest))
    return [{"title": _listed(names, scored), "text": remark} for remark, names in told.items()]


def _twins(scored: Sequence[Manifest]) -> list[dict[str, str]]:
    """Tell which revisions have the same weights, so that equal columns are no finding."""
    return [
        {"title": "Identical weights under several names", "text": f"Byte-identical: {', '.join(names)}."}
        for names in same_weights(scored)
    ]


def _listed(names: Sequence[str], scored: Sequence[Manifest]) -> str:
    """List some revisions, and say how many more there are; all of a model are told by its name."""
    models: dict[str, list[str]] = {}
    for manifest in scored:
        models.setdefault(manifest.settings["model"], []).append(revision_name(manifest))
    for model, revisions in models.items():
        if len(revisions) > 1 and set(revisions) <= set(names):
            names = [f"{model}, all {len(revisions)} revisions", *(name for name in names if name not in revisions)]
    shown = "; ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
