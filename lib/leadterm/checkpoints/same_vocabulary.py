"""Is the tokenizer of a checkpoint the one that the corpus was encoded with."""

import hashlib
import json
from collections.abc import Sequence

from leadterm.corpus.token_ids import is_hole
from leadterm.errors import InputError

_NAMED = 5


def vocabulary_fingerprint(tokens: Sequence[str]) -> str:
    """Hash a vocabulary, SHA-256 in hexadecimal: equal where every id has the same token.

    Examples
    --------
    >>> vocabulary_fingerprint(["a", "b"]) == vocabulary_fingerprint(["b", "a"])
    False
    """
    return hashlib.sha256(json.dumps(list(tokens), ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


def check_same_vocabulary(run: Sequence[str], checkpoint: Sequence[str], source: str) -> list[str]:
    """Check that each id of a run has the same token in a checkpoint's tokenizer.

    That may have tokens that the run's has not: after its last one, or in the place of ids that had none. No text of
    the run was encoded with them.

    Parameters
    ----------
    run, checkpoint
        Token strings by id.
    source
        The checkpoint, for messages.

    Returns
    -------
    list of str
        What a reader of scores should know: which tokens are the checkpoint's alone.

    Raises
    ------
    InputError
        If they differ; names the first id that does.

    Examples
    --------
    >>> check_same_vocabulary(["a", "b"], ["a", "b"], "a model")
    []
    >>> check_same_vocabulary(["a", "b"], ["a", "b", "[PAD]"], "a model")
    ["its tokenizer has tokens that the run's lacks and that no text of the run contains: '[PAD]' (id 2)"]
    """
    remedy = "Encode the corpus with this model's tokenizer, or choose the model whose tokenizer the run used."
    differs = f"{source}: its tokenizer differs from the run's"
    added = []
    for index, theirs in enumerate(checkpoint):
        if index >= len(run) or is_hole(run[index], index):
            if not is_hole(theirs, index):
                added.append(f"{theirs!r} (id {index})")
        elif theirs != run[index]:
            raise InputError(f"{differs}: token {index} is {theirs!r} there, {run[index]!r} in the run. {remedy}")
    if len(run) > len(checkpoint):
        index = len(checkpoint)
        raise InputError(
            f"{differs}: it has {index:,} tokens, the run {len(run):,}; token {index} is {run[index]!r} in the run "
            f"but missing there. {remedy}"
        )
    if not added:
        return []
    more = f" and {len(added) - _NAMED:,} more" if len(added) > _NAMED else ""
    named = ", ".join(added[:_NAMED])
    return [f"its tokenizer has tokens that the run's lacks and that no text of the run contains: {named}{more}"]
