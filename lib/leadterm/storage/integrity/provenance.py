"""Whether a product was made from those that are here."""

from leadterm.catalog.jobs import MADE_BY, Job
from leadterm.catalog.products import OF_CORPUS, SHUFFLED_RUN, Product
from leadterm.storage.location import Location
from leadterm.storage.manifest import Manifest
from leadterm.storage.read_products import read_manifest

FROM_OUTSIDE = Job.SHUFFLE_CORPUS.makes
"""Products of the shuffled run that were made from those of the run it is in."""
DERIVED = tuple(product for product in OF_CORPUS if not product.adds_up or MADE_BY[product].when)
"""Products that adding files does not keep up to date: those that do not add up, as scores change with the corpus, and
with them every term of attention; and those that not every run has."""


def other_inputs(run: Location, manifest: Manifest) -> list[str]:
    """Name the inputs of a product of which the run holds others than it was made from."""
    if manifest.product not in (*OF_CORPUS, Product.PAIR_SOURCES):
        return []
    if "corpus" in manifest.made_from:  # What encoding makes, it makes together.
        windows = None if manifest.product == Product.WINDOWS else read_manifest(run, Product.WINDOWS)
        corpus = manifest.made_from["corpus"]
        return ["corpus"] if windows and windows.made_from.get("corpus", corpus) != corpus else []
    if manifest.product in FROM_OUTSIDE:
        return []
    found = {name: read_manifest(run, name) for name in manifest.made_from if name in OF_CORPUS}
    return [name for name, made in found.items() if made and made.content_hash != manifest.made_from[name]]


def remove_stale(run: Location, *, with_shuffled: bool = False) -> list[str]:
    """Remove the products that depend on counts of which the run holds others by now; name them.

    With them goes, if it is asked for, the shuffled run of windows that the run no longer holds.
    """
    removed: list[str] = []
    for product in DERIVED:
        manifest = read_manifest(run, product)
        if manifest and (other_inputs(run, manifest) or not manifest.made_from.keys().isdisjoint(removed)):
            (run / product).remove()
            removed.append(product)
    windows, shuffled = (read_manifest(place, Product.WINDOWS) for place in (run, run / SHUFFLED_RUN))
    if with_shuffled and windows and shuffled and shuffled.made_from.get(Product.WINDOWS) != windows.content_hash:
        (run / SHUFFLED_RUN).remove()
        removed.append(SHUFFLED_RUN)
    return removed
