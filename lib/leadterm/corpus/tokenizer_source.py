"""Where tokenizers come from: a file, a model folder, a GGUF file, or a name on the Hugging Face hub."""

from pathlib import Path

from leadterm.corpus.gguf_header import GGUF_MAGIC
from leadterm.corpus.gguf_tokenizer import read_gguf_tokenizer
from leadterm.corpus.hf_tokenizer import HuggingFaceTokenizer
from leadterm.corpus.hub_errors import asking_the_hub
from leadterm.errors import InputError
from leadterm.utf8 import decode_utf8

TOKENIZER_FILE = "tokenizer.json"
LARGEST_TOKENIZER = 2**29
"""Bytes of a tokenizer.json; the largest in use have some 35 MB."""
_SLOW_FILES = ("tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.json", "merges.txt", "vocab.txt")
PICKLE_SUFFIXES = (".pkl", ".pickle", ".pt", ".pth", ".bin", ".ckpt")
_PICKLE_STARTS = (*(bytes((0x80, protocol)) for protocol in range(2, 6)), b"PK\x03\x04")


def load_tokenizer(
    source: str | Path, revision: str | None = None, *, add_special_tokens: bool = False, parallel: bool = False
) -> HuggingFaceTokenizer:
    """Load a tokenizer from a path, or from the Hugging Face hub.

    Parameters
    ----------
    source
        A ``tokenizer.json``, a folder that holds one, a GGUF file (needs ``leadterm[gguf]``), or the name of a
        model on the hub. What exists as a path is a path. What starts with ``.``, ``/`` or ``~`` or ends with
        ``.json`` or ``.gguf`` is never asked from the hub.
    revision
        Branch, tag or commit of a hub name.
    add_special_tokens, parallel
        See `HuggingFaceTokenizer`.

    Raises
    ------
    InputError
        There is no such path, hub name or revision, the hub is out of reach, or the file is not a tokenizer.
    """
    name = str(source)
    path = Path(name).expanduser()
    if path.exists() or looks_like_path(name):
        _check_path(path, revision)
        try:
            json = _read_path(path)
        except OSError as error:
            raise InputError(f"{path}: expected a readable file; found: {error}. Check its permissions.") from error
    else:
        path = _download(name, revision)
        json = _read_json(path)
    try:
        tokenizer = HuggingFaceTokenizer(json, add_special_tokens, parallel)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    tokenizer.notes = tuple(f"{path}: {note}" for note in tokenizer.oddities(json))
    return tokenizer


def looks_like_path(name: str) -> bool:
    """Whether a source can only be meant as a path: it is never asked from the hub, even where none is there."""
    return name.startswith((".", "/", "~")) or name.endswith((".json", ".gguf"))


def _check_path(path: Path, revision: str | None) -> None:
    if not path.exists():
        raise InputError(
            f"{path}: there is no such file or folder; expected a tokenizer.json, a model folder or a GGUF file. "
            "Check the path; for the Hugging Face hub, give a name such as 'HuggingFaceTB/SmolLM2-135M'."
        )
    if revision is not None:
        raise InputError(
            f"{path}: a revision applies only to a name on the Hugging Face hub; found the revision {revision!r} with "
            "a path on this machine. Remove tokenizer.revision, or give the hub name."
        )


def _read_path(path: Path) -> str:
    if path.is_dir():
        return _read_folder(path)
    with path.open("rb") as file:
        start = file.read(4)
    if start == GGUF_MAGIC or path.suffix == ".gguf":
        return read_gguf_tokenizer(path)
    if path.suffix in PICKLE_SUFFIXES or start.startswith(_PICKLE_STARTS):
        raise InputError(
            f"{path}: expected a tokenizer.json; found a pickle, or an archive that may hold one. Loading a pickle "
            "runs the code inside it, so leadterm never does it. Save the tokenizer with tokenizer.save_pretrained."
        )
    return _read_json(path)


def _read_folder(folder: Path) -> str:
    if (folder / TOKENIZER_FILE).is_file():
        return _read_json(folder / TOKENIZER_FILE)
    slow = [name for name in _SLOW_FILES if (folder / name).is_file()]
    found = f"only files of a slow tokenizer ({', '.join(slow)})" if slow else "no tokenizer"
    remedy = (
        "Convert them: transformers.AutoTokenizer.from_pretrained(folder).save_pretrained(folder)."
        if slow
        else "Name the folder of a model that was saved with its tokenizer."
    )
    raise InputError(f"{folder}: expected a folder with a {TOKENIZER_FILE}; found {found}. {remedy}")


def _read_json(path: Path) -> str:
    if path.stat().st_size > LARGEST_TOKENIZER:
        raise InputError(
            f"{path}: expected a tokenizer.json of at most {LARGEST_TOKENIZER:,} bytes; found {path.stat().st_size:,}. "
            "Name a tokenizer.json, a model folder or a GGUF file."
        )
    try:
        return decode_utf8(path.read_bytes())
    except ValueError as error:
        raise InputError(
            f"{path}: expected a tokenizer.json, which is UTF-8 text; found other bytes ({error}). "
            "Name a tokenizer.json, a model folder or a GGUF file."
        ) from error


def _download(name: str, revision: str | None) -> Path:
    from huggingface_hub import errors as hub_errors  # noqa: PLC0415  # readers of a run, who ask no hub, wait for it
    from huggingface_hub import hf_hub_download  # noqa: PLC0415  # as above

    wanted = f"the tokenizer of {name!r} at revision {revision or 'main'!r}"
    choose = "Set tokenizer.revision to a branch, tag or commit."
    try:
        with asking_the_hub(wanted, choose, instead="the path of a tokenizer.json or model folder"):
            return Path(hf_hub_download(name, TOKENIZER_FILE, revision=revision))
    except hub_errors.EntryNotFoundError as error:
        raise InputError(
            f"{wanted}: the hub has the model, but no {TOKENIZER_FILE} in it. Convert its slow tokenizer with "
            "transformers.AutoTokenizer.from_pretrained(name).save_pretrained(folder) and give that folder."
        ) from error
