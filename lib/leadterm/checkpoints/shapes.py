"""How large a language model is, read from its config.json or the header of its GGUF file: no weight is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download

from leadterm.checkpoints.json_files import read_json
from leadterm.checkpoints.locate import CONFIG_FILE, MAIN, Place, find_revisions, locate
from leadterm.checkpoints.model_files import check_config, read_weights
from leadterm.checkpoints.revision_names import Revision, needs_listing
from leadterm.corpus.gguf_header import count_gguf_weights, read_gguf_numbers
from leadterm.corpus.tokenizer_source import looks_like_path
from leadterm.errors import InputError

LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "block_count")
WIDTHS = ("hidden_size", "n_embd", "n_embed", "d_model", "embedding_length")
HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads", "attention.head_count")
HEAD_WIDTHS = ("head_dim", "attention.key_length")
"""What families call them, in config.json and in GGUF files."""


@dataclass(frozen=True)
class Shape:
    """A language model without its weights.

    Attributes
    ----------
    n_layers, d_model, n_heads, d_head
        Of its blocks.
    vocabulary_size
        Rows of its embedding; 0 where that is not said.
    n_weights
        All numbers in its files.
    is_gguf
        Whether these are packed.
    revisions
        How many are asked for.
    """

    n_layers: int
    d_model: int
    n_heads: int
    d_head: int
    vocabulary_size: int
    n_weights: int
    is_gguf: bool
    revisions: int

    @property
    def layer_weights(self) -> float:
        """Numbers in a block, about: all but the embedding."""
        return max(0.0, self.n_weights - self.vocabulary_size * self.d_model) / self.n_layers


def shape_of(source: str, revisions: str | tuple[str, ...] | None) -> Shape:
    """Look at a model that lies on this machine, or in the hub's local cache.

    Parameters
    ----------
    source, revisions
        As :func:`leadterm.checkpoints.find_revisions` takes them.

    Raises
    ------
    InputError
        If it is not there, or its files do not say how large it is.
    """
    here = Path(source).expanduser()
    if not here.exists() and not looks_like_path(source):
        names = [MAIN] if revisions is None else [revisions] if isinstance(revisions, str) else list(revisions)
        if needs_listing(names):
            raise InputError(f"{source}: only the hub knows which revisions it has.")
        return _shape(_cached(source, names[0]), len(names))
    found = find_revisions(source, revisions)
    is_one = here.is_file() or (here / CONFIG_FILE).is_file()
    return _shape(locate(source, None if is_one else found[-1].name), len(found))


def _cached(name: str, revision: str) -> Place:
    """Find a model of the hub in the local cache."""
    try:
        folder = snapshot_download(name, revision=revision, local_files_only=True)
    except Exception as error:  # whatever the library says of a name that it does not have
        raise InputError(f"{name} at revision {revision!r} is not on this machine yet.") from error
    return Place(name, Revision.named(revision), Path(folder))


def _shape(place: Place, revisions: int) -> Shape:
    """Read the numbers of a model."""
    if place.is_gguf:
        numbers: Mapping[str, Any] = _without_family(read_gguf_numbers(place.path))
        n_weights = count_gguf_weights(place.path)
    else:
        check_config(place)
        config, n_weights = read_json(place.path / CONFIG_FILE), read_weights(place, torch.float32).n_numbers
        numbers = config.get("text_config") or config
    layers, width, heads = (_first(numbers, names, place) for names in (LAYERS, WIDTHS, HEADS))
    head = next((int(numbers[name]) for name in HEAD_WIDTHS if numbers.get(name)), width // heads)
    return Shape(layers, width, heads, head, int(numbers.get("vocab_size") or 0), n_weights, place.is_gguf, revisions)


def _without_family(numbers: Mapping[str, int]) -> dict[str, int]:
    """Leave out of the names what they begin with: the family's."""
    return {name.partition(".")[2]: number for name, number in numbers.items()}


def _first(numbers: Mapping[str, Any], names: tuple[str, ...], place: Place) -> int:
    """Give a number under the first of its names that is there."""
    for name in names:
        if isinstance(numbers.get(name), int) and numbers[name] > 0:
            return int(numbers[name])
    raise InputError(f"{place}: its files do not say how large it is; none of these exists: {', '.join(names)}.")
