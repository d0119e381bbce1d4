"""Scores of checkpoints: a product for each revision, in the folder ``alignment`` of a run."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable

import pyarrow as pa

from leadterm.catalog.products import Product
from leadterm.errors import RunError
from leadterm.storage import require_products as making
from leadterm.storage.formats.parquet_io import arrow_fields
from leadterm.storage.formats.small_tables import read_table
from leadterm.storage.location import Location
from leadterm.storage.manifest import Manifest
from leadterm.storage.read_products import read_manifest

SCORES = "scores.parquet"
STATISTICS = (Product.VOCABULARY, Product.BIGRAM, Product.CONTEXT, Product.FREQUENCIES, Product.QUERY_KEY)
"""The products of a run that predictors are made of."""

SCHEMA = pa.schema(arrow_fields(Product.ALIGNMENT))
"""One row per score. ``step`` is null where the revision's name tells none, ``head`` for the mean over heads and for
residual streams; all four numbers where the component does not vary over tokens."""


def product_of(model: str, revision: str) -> str:
    """Name the product with the scores of a revision: readable, and different for different revisions.

    Examples
    --------
    >>> product_of("EleutherAI/pythia-14m", "step8")
    'alignment/pythia-14m-step8-f59db009'
    """
    digest = hashlib.sha256(f"{model}\0{revision}".encode()).hexdigest()[:8]
    readable = "-".join(re.sub(r"[^\w.]+", "-", part.rpartition("/")[2])[:40].strip("-.") for part in (model, revision))
    return f"{Product.ALIGNMENT}/{readable}-{digest}"


def alignment_manifests(run: Location) -> list[Manifest]:
    """Read the manifests of all revisions scored against the run as it is now, by model, step and revision."""
    now = {
        str(name): manifest.content_hash for name in STATISTICS if (manifest := read_manifest(run, name)) is not None
    }
    return sorted((one for one in _all_manifests(run) if _is_of(one, now)), key=_order)


def _all_manifests(run: Location) -> list[Manifest]:
    """Read the manifests of all scores that lie in the run."""
    found = (read_manifest(run, f"{Product.ALIGNMENT}/{name}") for name in (run / Product.ALIGNMENT).names())
    return [manifest for manifest in found if manifest is not None]


def _is_of(manifest: Manifest, statistics: dict[str, str]) -> bool:
    """Say whether scores were made from these statistics, not from those of a corpus that was counted before."""
    return all(manifest.made_from.get(name, content) == content for name, content in statistics.items())


def forget_scores(run: Location, model: str) -> None:
    """Remove the scores of a model, whose weights are no longer what they were."""
    for manifest in _all_manifests(run):
        if manifest.settings["model"] == model:
            (run / manifest.product).remove()


def remove_old_scores(run: Location, products: Iterable[str]) -> None:
    """Remove those of some products that hold scores against statistics that the run no longer holds."""
    current = {manifest.product for manifest in alignment_manifests(run)}
    for product in set(products) - current:
        if read_manifest(run, product) is not None:
            (run / product).remove()


def _order(manifest: Manifest) -> tuple[str, bool, list[str | int]]:
    """Order revisions by their names, numbers in these by size: step 8 before step 16, and stage 1 before stage 2."""
    parts = re.split(r"(\d+)", manifest.settings["revision"])
    numbered: list[str | int] = [int(part) if part.isdecimal() else part for part in parts]
    return manifest.settings["model"], manifest.settings["step"] is None, numbered


def revision_name(manifest: Manifest) -> str:
    """Say which revision of which model was scored."""
    return f"{manifest.settings['model']} at {manifest.settings['revision']}"


def same_weights(manifests: Iterable[Manifest]) -> list[list[str]]:
    """List the revisions whose weights are the same, byte for byte; published suites contain such."""
    groups: dict[str, list[str]] = defaultdict(list)
    for manifest in manifests:
        groups[manifest.made_from["weights"]].append(revision_name(manifest))
    return [names for names in groups.values() if len(names) > 1]


def read_alignment(run: Location) -> pa.Table:
    """Read the scores of all revisions, in the order of `alignment_manifests`, and check the files' hashes.

    Raises
    ------
    RunError
        If no revision was scored, or a file is missing or damaged.
    """
    manifests = alignment_manifests(run)
    if not manifests:
        raise RunError(
            f"{run} has no scores of checkpoints. Name some in the config's section alignment, and run the job "
            "evaluate_alignment."
        )
    return pa.concat_tables([_scores(run, manifest) for manifest in manifests])


def _scores(run: Location, manifest: Manifest) -> pa.Table:
    """Read the scores of a revision.

    Raises
    ------
    RunError
        If they are those of another version, with other columns or columns of another type.
    """
    table = read_table(run, manifest, SCORES, SCHEMA.names)
    try:
        return table.select(SCHEMA.names).cast(SCHEMA)
    except pa.ArrowException as error:
        raise RunError(
            f"{run / manifest.product / SCORES}, written by leadterm {manifest.code_version}, has columns of a "
            f"different type than scores have now: {error}. Run {making.who_makes(run, manifest.product)} again with "
            "--overwrite."
        ) from error
