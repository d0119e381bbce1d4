"""Weights as they were loaded: are they numbers, are they the same as another revision's."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from leadterm.errors import InputError

_NAMED = 5


def fingerprint(model: nn.Module, source: str, *, unread: Collection[str] = (), allow_zeros: bool = False) -> str:
    """Hash all weights, and refuse those that no score could be believed of.

    Parameters
    ----------
    model
        With its weights loaded.
    source
        For messages.
    unread
        The names of weights that are not looked at, because they were not in the files.
    allow_zeros
        Take matrices that are all zero, as in a model that starts from zero.

    Returns
    -------
    str
        SHA-256 over names, types, shapes and bytes, in hexadecimal. Equal weights have equal ones, however they were
        divided into files, if they were loaded as the same number type.

    Raises
    ------
    InputError
        If a weight holds NaN or infinity, or a matrix is 0 throughout; names them.
    """
    digest = hashlib.sha256()
    broken: list[str] = []
    zero: list[str] = []
    for name, weight in sorted(model.named_parameters()):
        if name in unread:
            continue
        least, largest = (bound.item() for bound in torch.aminmax(weight.detach()))
        if not (abs(least) < float("inf") and abs(largest) < float("inf")):  # False for NaN too
            broken.append(name)
        elif least == largest == 0 and weight.dim() > 1:
            zero.append(name)
        digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}\n".encode())
        digest.update(_bytes(weight))
    _refuse(
        broken, source, "contain NaN or infinity", "The training diverged or a file is broken: choose another revision."
    )
    if not allow_zeros:
        remedy = "They were never trained or never written: choose another revision, or allow zeros if intended."
        _refuse(zero, source, "are all zero", remedy)
    return digest.hexdigest()


def refuse_incomplete(report: Mapping[str, Any], prefix: str, source: str) -> frozenset[str]:
    """Refuse weights that transformers did not find, and would have drawn at random.

    Parameters
    ----------
    report
        What transformers tells of loading: ``missing_keys``, and ``mismatched_keys`` with shapes.
    prefix
        What the names of all weights begin with that scores read.
    source
        For messages.

    Returns
    -------
    frozenset of str
        Those that are missing and that no score reads: the head, and what sees images.

    Raises
    ------
    InputError
        If any other is; names them.
    """
    missing = set(report["missing_keys"])
    mismatched = {key for key, *_ in report["mismatched_keys"]}
    remedy = "They would be initialised at random. Download the model again, or choose another revision."
    _refuse(sorted(_read(missing, prefix)), source, "are missing from the files", remedy)
    _refuse(sorted(_read(mismatched, prefix)), source, "have a different shape than config.json says", remedy)
    return frozenset(missing | mismatched)


def _read(names: Iterable[str], prefix: str) -> list[str]:
    return [name for name in names if name.startswith(prefix)]


def _refuse(names: list[str], source: str, what: str, remedy: str) -> None:
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        raise InputError(f"{source}: weights {what}: {', '.join(names[:_NAMED])}{more}. {remedy}")


def _bytes(weight: Tensor) -> memoryview:
    return weight.detach().cpu().contiguous().view(torch.uint8).numpy().data
