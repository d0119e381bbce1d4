"""Whether the products of a run were made from each other."""

from collections.abc import Iterator

from leadterm.catalog.products import OF_CORPUS, SHUFFLED_RUN, Product
from leadterm.config.shuffled_suffix import SHUFFLED
from leadterm.storage.integrity.inventory import Inventory, split
from leadterm.storage.integrity.provenance import FROM_OUTSIDE
from leadterm.storage.manifest import Manifest


def misfits(inventory: Inventory) -> Iterator[str]:
    """Name the products that were made from others than those that are here.

    In a published copy inputs may be absent; in a run they may not.
    """
    for folder, manifest in inventory.products.items():
        others, missing = [], []
        for name, content in manifest.made_from.items():
            source = _folder_of(folder, name)
            if source in inventory.products:
                if content not in _hashes(inventory.products[source]):
                    others.append(f"'{name}'")
            elif _is_product(source) and source not in inventory.broken and not inventory.is_published:
                missing.append(f"'{name}'")
        if others:
            yield f"{folder} was made from other products than those present: {', '.join(others)}. Rebuild it"
        if missing:
            yield f"{folder} was made from products that are missing: {', '.join(missing)}"


def _folder_of(folder: str, name: str) -> str:
    """Find the folder of a product's input."""
    if name.endswith(SHUFFLED):
        return f"{SHUFFLED_RUN}/{name.removesuffix(SHUFFLED)}"
    run, product = split(folder)
    return f"{run}/{name}" if run == SHUFFLED_RUN and product not in FROM_OUTSIDE else name


def _hashes(manifest: Manifest) -> set[str]:
    """List by what a product may be named where it was an input: its bytes, all that is known of it, or one file."""
    return {manifest.content_hash, manifest.account_hash, *(entry.sha256 for entry in manifest.files)}


def _is_product(folder: str) -> bool:
    """Say whether a name is that of a product; other inputs are a corpus, a tokenizer, weights."""
    return split(folder)[1] in OF_CORPUS or folder.startswith(f"{Product.ALIGNMENT}/")
