"""The statistics of a run, or of its shuffled twin, as the matrices that checkpoints are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from leadterm.alignment import EVERY, READ, Pairs, chosen_tokens, predictor_operators
from leadterm.axes import Axis
from leadterm.catalog.jobs import Job
from leadterm.catalog.products import SHUFFLED_RUN, Product
from leadterm.config import AlignmentSection
from leadterm.config.shuffled_suffix import SHUFFLED
from leadterm.errors import InputError, RunError
from leadterm.operators import Operator, SparseOperator
from leadterm.run.open_run import Run, open_run
from leadterm.storage import Location, require_manifest
from leadterm.storage.formats.alignment_table import STATISTICS
from leadterm.storage.require_products import require_inputs
from leadterm.theory import restricted_matrix


@dataclass(frozen=True)
class Corpus:
    """The statistics of a corpus over the tokens that are compared.

    Attributes
    ----------
    run
        Where they lie.
    suffix
        What the names of its predictors end with: nothing, or ", shuffled".
    section
        Which tokens, and which predictors.
    """

    run: Run
    suffix: str
    section: AlignmentSection

    @property
    def made_from(self) -> dict[str, str]:
        """The content hashes of what predictors are made of.

        Raises
        ------
        RunError
            If the run lacks one of the products; says which job makes it.
        """
        return {f"{name}{self.suffix}": self.run.manifest(name).content_hash for name in STATISTICS}

    @cached_property
    def tokens(self) -> NDArray[np.int64]:
        """The ids of the tokens that are compared, ascending."""
        return chosen_tokens(self.run.vocabulary["count"].to_numpy(), self.section.tokens)

    @property
    def dtype(self) -> str:
        """The number type of products.

        By default float64: in float32 the norm of the interchange map is 6e-4 off at V = 49,152, and the rows of a
        shuffled corpus differ by less than it can tell.
        """
        return "float64" if self.section.dtype == "auto" else self.section.dtype

    def operators(self, device: torch.device) -> dict[str, Operator]:
        """Read the statistics, and name the matrices that are compared: those that the section asks for."""
        basis = self.run.basis(str(device), dtype=self.dtype, tokens=self.tokens)
        found = predictor_operators(basis, self._query_key(device), self.section.orientation)
        return {name: found[name] for name in names_of(self.section)}

    def _query_key(self, device: torch.device) -> Operator:
        kept = self.run.manifest(Product.COMPOSED).settings["top_tokens"]
        wanted = self.section.tokens if isinstance(self.section.tokens, int) else None
        if kept != wanted:
            raise InputError(
                f"{self.run.location}: the query-key matrix was counted with attention.top_tokens: {_yaml(kept)}, and "
                f"alignment.tokens is {self.section.tokens}. Tokens that are left out enter its "
                f"means as zeros, so the two must agree: count attention with top_tokens: {_yaml(wanted)}, or set "
                f"alignment.tokens to {kept or 'all or occurring'}."
            )
        matrix = restricted_matrix(self.run.query_key(), self.tokens)
        return SparseOperator(matrix, (Axis.CURRENT, Axis.CONTEXT), device=device, dtype=self.dtype)


def _yaml(value: int | None) -> str:
    return "null" if value is None else str(value)


def corpora_of(section: AlignmentSection, run: Location) -> list[Corpus]:
    """List the corpora that checkpoints are compared with: the run's, and the shuffled one where it is asked for."""
    require_inputs(run, Job.EVALUATE_ALIGNMENT)
    found = [Corpus(open_run(run.uri), "", section)]
    if section.shuffled:
        windows = require_manifest(run / SHUFFLED_RUN, Product.WINDOWS)
        if windows.made_from[Product.WINDOWS] != found[0].run.manifest(Product.WINDOWS).content_hash:
            raise RunError(
                f"{run / SHUFFLED_RUN} was shuffled from different windows. Run the job {Job.SHUFFLE_CORPUS} again."
            )
        found.append(Corpus(open_run((run / SHUFFLED_RUN).uri), SHUFFLED, section))
    return found


def names_of(section: AlignmentSection) -> list[str]:
    """Name the predictors that are used, each once."""
    return list(dict.fromkeys(name for names in _pairs(section).values() for name in names))


def pairs_of(section: AlignmentSection, corpora: list[Corpus]) -> Pairs:
    """Say which predictors, of all corpora, each component is scored against."""
    return {
        component: [f"{name}{corpus.suffix}" for corpus in corpora for name in names]
        for component, names in _pairs(section).items()
    }


def _pairs(section: AlignmentSection) -> Mapping[Any, Any]:
    return READ if section.predictors == "paper" else EVERY
