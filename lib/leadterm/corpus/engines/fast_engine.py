"""fastokens, an engine for byte pair encoding: the ids of many texts as two arrays, without an object per token."""

import os
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leadterm.corpus.ragged import Ragged
from leadterm.errors import InputError

NAME = "fastokens"
_THREADS = "RAYON_NUM_THREADS"


def installed_version() -> str | None:
    """The version of fastokens in this Python; None where it is not installed."""
    try:
        return version(NAME)
    except PackageNotFoundError:
        return None


class FastEngine:
    """A tokenizer.json, encoded by fastokens on one thread.

    Parameters
    ----------
    json
        The text of the ``tokenizer.json``.
    add_special_tokens
        Add the special tokens that the tokenizer puts around a text.

    Raises
    ------
    InputError
        fastokens does not read this tokenizer; says why.
    """

    def __init__(self, json: str, add_special_tokens: bool = False) -> None:
        from fastokens._native import Tokenizer  # noqa: PLC0415  # only where it is installed, and used

        try:
            self._tokenizer: Any = Tokenizer.from_json_str(json)
        except (ValueError, RuntimeError) as error:
            raise InputError(f"{NAME} does not read this tokenizer ({error})") from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.add_special_tokens = add_special_tokens
        _on_one_thread(self._tokenizer)

    def encode(self, texts: Sequence[str]) -> tuple[Ragged, NDArray[np.bool_]]:
        """Encode texts in order.

        Returns
        -------
        tokens : Ragged
            A list of ids per text; empty where the engine refuses the text.
        refused : ndarray
            bool, shape (texts,): the text goes beyond a limit of the engine, such as a run of a million spaces.
        """
        try:
            return self._encode(texts), np.zeros(len(texts), dtype=np.bool_)
        except ValueError:  # Of one text or more; which, it does not say.
            return self._encode_each(texts)

    def _encode(self, texts: Sequence[str]) -> Ragged:
        ids, ends = self._tokenizer.encode_batch_flat(list(texts), self.add_special_tokens)
        return Ragged(np.frombuffer(ids, dtype="<u4").view(np.int32), np.frombuffer(ends, dtype="<u8").view(np.int64))

    def _encode_each(self, texts: Sequence[str]) -> tuple[Ragged, NDArray[np.bool_]]:
        rows: list[NDArray[np.int32]] = []
        refused = np.zeros(len(texts), dtype=np.bool_)
        for index, text in enumerate(texts):
            try:
                rows.append(self._encode([text]).values)
            except ValueError:
                rows.append(np.empty(0, dtype=np.int32))
                refused[index] = True
        return Ragged.from_lists(rows), refused


def _on_one_thread(tokenizer: Any) -> None:
    """Let the engine start its threads now, of which there is one: Spark runs a process on each core."""
    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = "1"
    try:
        tokenizer.encode_batch_flat(["a", "b"])
    finally:
        if before is None:
            del os.environ[_THREADS]
        else:
            os.environ[_THREADS] = before
