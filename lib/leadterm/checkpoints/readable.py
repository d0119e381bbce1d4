"""Whether a model could be opened, from its config.json and the headers of its files: told before hours of counting."""

from collections.abc import Sequence
from pathlib import Path

import torch

from leadterm.checkpoints.adapters import refuse_adapter_file
from leadterm.checkpoints.locate import Place, locate
from leadterm.checkpoints.model_files import check_config, read_weights
from leadterm.checkpoints.revision_names import Revision
from leadterm.errors import InputError


def require_readable(source: str | Path, revisions: Sequence[Revision]) -> None:
    """Refuse a model on this machine of which no revision could be opened.

    One that could be is enough: what is wrong with the others is told when they are opened, and does not keep it back.
    A model on the hub is not asked for.

    Parameters
    ----------
    source
        A folder that holds a model, or one folder for each revision; a GGUF file; a name on the hub.
    revisions
        Which are meant; see `find_revisions`.

    Raises
    ------
    InputError
        If all would be refused; says why the first one is.
    """
    if not Path(source).expanduser().exists():
        return
    first: InputError | None = None
    for revision in revisions:
        try:
            _check(locate(source, revision.name))
        except InputError as error:
            first = first or error
        else:
            return
    if first is not None:
        others = f" None of its {len(revisions):,} revisions can be read." if len(revisions) > 1 else ""
        raise InputError(f"{first}{others}") from first


def _check(place: Place) -> None:
    if place.is_gguf:
        refuse_adapter_file(place.path)
    else:
        check_config(place)
        read_weights(place, torch.float32)
