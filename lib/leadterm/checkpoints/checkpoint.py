"""A language model, opened: what it is, and layer by layer what alignment needs of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from leadterm.checkpoints.families import Family, family_of
from leadterm.checkpoints.free_memory import require_memory
from leadterm.checkpoints.last_norm import LastNorm
from leadterm.checkpoints.load_model import Loaded, load_model, read_config
from leadterm.checkpoints.locate import Place, locate
from leadterm.checkpoints.projections import Heads
from leadterm.checkpoints.residual_streams import STREAMS_HELD, Blocks, Layer
from leadterm.checkpoints.same_vocabulary import check_same_vocabulary, vocabulary_fingerprint
from leadterm.checkpoints.weight_checks import fingerprint
from leadterm.corpus import load_tokenizer
from leadterm.errors import InputError
from leadterm.operators.device import resolve_device, resolve_dtype

Probe = Literal["alone", "bos"]
BATCH = 1024
"""Tokens that go through a block at once. Those of Pythia-1.4B take 32 MiB in the widest place of the MLP."""


def open_checkpoint(
    source: str | Path,
    revision: str | None = None,
    *,
    device: str = "cpu",
    dtype: str = "float32",
    allow_zeros: bool = False,
) -> Checkpoint:
    """Open one revision of a language model, and check its weights.

    Parameters
    ----------
    source
        A folder with config.json and safetensors (sharded or not), a folder of such folders, a GGUF file, or a name on
        the Hugging Face hub. What exists as a path is a path.
    revision
        Branch, tag or commit on the hub, or the name of a folder; see `find_revisions`.
    device
        ``cpu`` or ``cuda``.
    dtype
        Of weights and activations: ``float32`` or ``float64``. What is stored in fewer bits is widened;
        weights of 8 bits are multiplied by the scales beside them.
    allow_zeros
        Take a model with matrices that are all zero.

    Raises
    ------
    InputError
        If there is no such model or revision, the hub is out of reach, it is an encoder or a pickle, a shard is broken,
        or a weight is missing, NaN, infinite or 0 throughout.
    MachineError
        If it will not fit into memory.
    """
    place = locate(source, revision)
    config = read_config(place)
    family = family_of(config, str(place))
    on = resolve_device(device)
    loaded = load_model(place, config, family, resolve_dtype(dtype), on)
    digest = fingerprint(loaded.model, str(place), unread=loaded.unread, allow_zeros=allow_zeros)
    return Checkpoint(place, family, digest, loaded)


class Checkpoint:
    """A model with its weights in memory; `close` releases them. Opened by `open_checkpoint`.

    Attributes
    ----------
    name, revision, step
        The model as it was asked for, which state of it, and the training step that this tells, or None.
    n_layers, n_heads, d_model, vocabulary_size
        Of the model: query heads; rows of the embedding, which may be more than its tokenizer has tokens.
    weights_sha256
        Of the weights; two revisions with the same are the same.
    remarks
        What a reader of scores should know: tensors that the model has no place for, weights that no score reads and
        that are missing, weights that lie in 8 bits, norms between W_Q and the scores.
    """

    def __init__(self, place: Place, family: Family, weights_sha256: str, loaded: Loaded) -> None:
        model = loaded.model
        config: Any = getattr(model.config, "text_config", model.config)
        self._config, self._text = config, model.base_model.get_submodule(family.text)
        self._place, self._model, self._family = place, model, family
        self._heads = Heads.of(config)
        self.name, self.revision, self.step = place.source, place.revision.name, place.revision.step
        self.n_layers, self.n_heads, self.d_model = config.num_hidden_layers, self._heads.n_queries, config.hidden_size
        self.vocabulary_size: int = model.get_input_embeddings().num_embeddings
        self.weights_sha256 = weights_sha256
        self._unread = loaded.unread
        self.remarks = (*loaded.remarks, *_changed_after(self._text.get_submodule(family.blocks)[0], family, config))

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the weights."""
        self._model = self._text = None

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """The token strings of the checkpoint's own tokenizer, by id.

        Raises
        ------
        InputError
            If it has no tokenizer.json.
        """
        return load_tokenizer(self._place.path).tokens

    @property
    def tokenizer_sha256(self) -> str:
        """Hash of the tokenizer's vocabulary; equal where every id has the same token."""
        return vocabulary_fingerprint(self.tokens)

    def check_vocabulary(self, tokens: Sequence[str]) -> list[str]:
        """Check that a run was encoded with this checkpoint's tokenizer.

        Parameters
        ----------
        tokens
            The run's, by id: ``run.vocabulary["token"].to_pylist()``.

        Returns
        -------
        list of str
            What a reader of scores should know: which tokens the checkpoint has beside the run's.

        Raises
        ------
        InputError
            If an id has another token here, the model has no embedding for it, or the checkpoint has no tokenizer.
        """
        remarks = check_same_vocabulary(tokens, self.tokens, str(self._place))
        if len(tokens) > self.vocabulary_size:
            raise InputError(
                f"{self._place}: its tokenizer has {len(tokens):,} tokens, and the model embeddings for only "
                f"{self.vocabulary_size:,}. Save the model with the tokenizer that it was trained with."
            )
        return remarks

    def layers(
        self, tokens: Sequence[int] | Tensor, probe: Probe = "alone", *, bos: int | None = None, batch: int = BATCH
    ) -> Iterator[Layer]:
        """Feed tokens one at a time, and give what each layer makes of them.

        Parameters
        ----------
        tokens
            Token ids.
        probe
            ``alone``: each token by itself, as in the paper. ``bos``: after a token that begins a text, which takes
            twice the time.
        bos
            That token's id, where it is not the one in config.json.
        batch
            Tokens that go through a block at once.

        Yields
        ------
        Layer
            First to last. At most five arrays (tokens, d_model) are in memory at a time.

        Raises
        ------
        InputError
            If a token has no embedding, or there is no BOS token.
        MachineError
            If the arrays do not fit into memory.
        """
        first = self._bos(bos) if _is_bos(probe) else None
        weight = self._model.get_input_embeddings().weight
        ids = torch.as_tensor(tokens, dtype=torch.int64, device=weight.device)
        self._check_ids(ids)
        needed = STREAMS_HELD * len(ids) * self.d_model * weight.itemsize
        require_memory(needed, f"{self._place}: what a layer makes of {len(ids):,} tokens", weight.device)
        blocks = Blocks(self._text, self._family, self._heads)
        return blocks.layers(ids, first, batch)

    @cached_property
    def last_norm(self) -> LastNorm:
        """What the unembedding reads the residual stream through."""
        family = self._family
        module = self._text.get_submodule(family.last_norm) if family.last_norm else nn.Identity()
        return LastNorm.of(module, family.gain_offset, self._model.get_input_embeddings().weight[0, :0], self.d_model)

    @property
    def is_tied(self) -> bool:
        """Whether the unembedding is the embedding: then a token's direct path to the next one is its own."""
        unembedding = self._model.get_output_embeddings().weight
        return bool(unembedding.data_ptr() == self._model.get_input_embeddings().weight.data_ptr())

    def unembedding(self, tokens: Sequence[int] | Tensor) -> Tensor:
        """W_U of some tokens, (tokens, d_model): logits are its products with the stream after `last_norm`.

        But for a constant, a factor, and what a model does to its logits (Gemma 2 bends large ones, Cohere and Granite
        scale them). Where a projection stands before the unembedding (OPT-350m), it is taken in.

        Raises
        ------
        InputError
            If a token has no embedding, or the files lack the unembedding.
        """
        head = self._model.get_output_embeddings().weight
        if any(one is head and name in self._unread for name, one in self._model.named_parameters()):
            raise InputError(
                f"{self._place}: its unembedding is not in its files. Save the model with its head "
                "(AutoModelForCausalLM), or choose another revision."
            )
        ids = torch.as_tensor(tokens, dtype=torch.int64, device=head.device)
        self._check_ids(ids)
        rows: Tensor = head[ids]
        project = getattr(getattr(self._text, "decoder", None), "project_out", None)
        return rows if project is None else rows @ project.weight

    def _bos(self, bos: int | None) -> int:
        found = self._config.bos_token_id if bos is None else bos
        if found is None:
            raise InputError(
                f"{self._place}: config.json does not name a BOS token. Give its id, or feed each token alone."
            )
        self._check_ids(torch.tensor([found]))
        return int(found)

    def _check_ids(self, ids: Tensor) -> None:
        if ids.dim() != 1 or not len(ids) or ids.min() < 0 or ids.max() >= self.vocabulary_size:
            raise InputError(
                f"{self._place}: expected token ids from 0 to {self.vocabulary_size - 1}, one at least; found "
                f"{f'{ids.min()} to {ids.max()}' if len(ids) else 'none'}. Choose tokens that the model has."
            )


def _is_bos(probe: str) -> bool:
    if probe not in ("alone", "bos"):
        raise InputError(f"there is no probe {probe!r}; choose 'alone' or 'bos'")
    return probe == "bos"


def _changed_after(block: Any, family: Family, config: Any) -> list[str]:
    """Say what a block does to queries and keys between W_Q and W_K and the scores."""
    normalised = any("norm" in name for name, _ in block.get_submodule(family.attention).named_modules())
    clipped = getattr(config, "clip_qkv", None) or getattr(getattr(config, "attn_config", None), "clip_qkv", None)
    if not normalised and not clipped:
        return []
    how = "normalised" if normalised else "clipped"
    return [f"queries and keys are {how} after W_Q and W_K; the maps of its heads are taken before that"]
