"""The tables of a published run: which files hold them, and what each column means, with its unit."""

from dataclasses import dataclass, replace

from leadterm.catalog.declared_product import Column
from leadterm.catalog.products import Product
from leadterm.storage import Manifest


@dataclass(frozen=True)
class Table:
    """A table, in one file or in many.

    Attributes
    ----------
    name
        Of the table; that of its product's folder.
    pattern
        Which files hold it: a path, or a glob.
    meaning
        What it is, in a sentence or two.
    columns
        In order.
    """

    name: str
    pattern: str
    meaning: str
    columns: tuple[Column, ...]


def tables_of(manifests: dict[str, Manifest]) -> list[Table]:
    """Describe the tables of some products.

    Parameters
    ----------
    manifests
        Of the products whose files are published, by name; any number of them lies in ``alignment``.
    """
    named = {Product(name.partition("/")[0]): manifest for name, manifest in manifests.items()}
    return [_table(product, manifest) for product, manifest in named.items()]


def _table(product: Product, manifest: Manifest) -> Table:
    """Describe the table of a product, whose manifest says what 1 is in fixed-point numbers."""
    unit = f"in units of 2^-{manifest.settings.get('scale_bits', 0)}"
    columns = tuple(replace(column, meaning=column.meaning.format(unit=unit)) for column in product.columns)
    return Table(str(product), f"{product}/{product.files}", product.meaning, columns)
