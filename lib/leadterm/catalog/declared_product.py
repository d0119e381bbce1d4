"""The declaration of a product: its columns, and the facts that other modules need."""

from dataclasses import dataclass
from typing import Literal

from leadterm.axes import Axis

Published = Literal["always", "with_windows", "list_files", "list_documents", "never"]
"""When the files of a product are part of a published copy: always; with the text; if ``dataset`` lists files, or
documents too; or never."""


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, Arrow type and meaning, in which ``{unit}`` stands for the fixed-point unit."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class Declared:
    """The declaration of a product.

    Attributes
    ----------
    meaning
        What it contains, in a sentence or two.
    files
        Which of its files contain its table: a name or a glob; "" if it is not a table.
    columns
        Of the table, in order.
    axes
        Of a matrix: the meaning of its rows and columns.
    pairs
        Of a matrix: what one entry is, in words.
    fixed_point
        Whether the values of a matrix are fractions, in units of 2^-``counting.scale_bits``.
    averages
        Whether the values are averages over positions, not sums.
    adds_up
        Whether the product of two corpora together is the sum of their products.
    of_corpus
        Whether it is made from the corpus itself; what is derived from such products, such as the report, is not.
    published
        When its files are published.
    stage
        A plan's name for the stage that writes it; "" if a plan does not predict it.
    """

    meaning: str
    files: str = ""
    columns: tuple[Column, ...] = ()
    axes: tuple[Axis, Axis] | None = None
    pairs: str = ""
    fixed_point: bool = False
    averages: bool = False
    adds_up: bool = False
    of_corpus: bool = True
    published: Published = "never"
    stage: str = ""


UNDECLARED = Declared("")
"""For looking up a product by its name."""
ROWS = "rows-*.parquet"
TOKEN_ID = Column("token_id", "int32", "number of the token, counted from 0 without gaps")


def matrix_columns(rows: str, columns: str, values: str, number: str = "int64") -> tuple[Column, ...]:
    """Describe the columns of a sparse matrix."""
    return (
        Column("row", "int32", f"token_id of the {rows}; ascending, and rows without entries are absent"),
        Column("cols", "list<int32>", f"token_ids of the {columns}; ascending"),
        Column("values", f"list<{number}>", f"{values}; one for each of cols"),
    )
