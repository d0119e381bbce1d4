"""What is declared of a product: its columns, and the facts that others need of it."""

from dataclasses import dataclass
from typing import Literal

from leadterm.axes import Axis

Published = Literal["always", "with_windows", "list_files", "list_documents", "never"]
"""When the files of a product are part of a published copy: always; with the text; where ``dataset`` lists files, or
documents too; or never."""


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, its Arrow type, and its meaning, in which ``{unit}`` is that of fixed point."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class Declared:
    """What is declared of a product.

    Attributes
    ----------
    meaning
        What it holds, in a sentence or two.
    files
        Which of its files hold its table: a name, or a glob; "" where it is no table.
    columns
        Of the table, in order.
    axes
        Of a matrix: what its rows and its columns are.
    pairs
        Of a matrix: what one of its entries is, for people.
    fixed_point
        Whether the values of a matrix are fractions, in units of 2^-``counting.scale_bits``.
    averages
        Whether the values are averages over positions, not sums.
    adds_up
        Whether the product of two corpora is the sum of those of each.
    of_corpus
        Whether it is made of the corpus alone: such products are a run's own, what is derived from them is not.
    published
        When its files are published.
    stage
        What a plan calls the stage that writes it; "" where a plan does not predict it.
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
"""Of a name by which a product is looked up."""
ROWS = "rows-*.parquet"
TOKEN_ID = Column("token_id", "int32", "number of the token, counted from 0 without gaps")


def matrix_columns(rows: str, columns: str, values: str, number: str = "int64") -> tuple[Column, ...]:
    """Describe the columns of a sparse matrix."""
    return (
        Column("row", "int32", f"token_id of the {rows}; ascending, and rows without entries are absent"),
        Column("cols", "list<int32>", f"token_ids of the {columns}; ascending"),
        Column("values", f"list<{number}>", f"{values}; one for each of cols"),
    )
