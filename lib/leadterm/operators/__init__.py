"""Matrices that are applied, not stored: sparse, rank one, and their sums, products and multiples.

Every operator knows what its rows and columns mean, so that ``bigram.T @ bigram`` is a product of the theory and
``bigram @ bigram`` an error. Nothing here forms a dense V x V array except ``to_dense``.
"""

from leadterm.operators.device import resolve_device, resolve_dtype, to_device
from leadterm.operators.entrywise import EntryFunction, EntrywiseOperator
from leadterm.operators.operator import Operator
from leadterm.operators.product import ProductOperator
from leadterm.operators.rank_one import RankOneOperator
from leadterm.operators.relabelled import RelabelledOperator
from leadterm.operators.scaled import ScaledOperator
from leadterm.operators.sparse_operator import SparseOperator
from leadterm.operators.sum import SumOperator

__all__ = [
    "EntryFunction",
    "EntrywiseOperator",
    "Operator",
    "ProductOperator",
    "RankOneOperator",
    "RelabelledOperator",
    "ScaledOperator",
    "SparseOperator",
    "SumOperator",
    "resolve_device",
    "resolve_dtype",
    "to_device",
]
