"""The section ``tokenizer``: a model for each kind."""

from typing import Annotated, Literal

from pydantic import Field

from leadterm.config.section_base import Section, Text

UnknownPolicy = Literal["drop", "replace"]
TokenizerEngine = Literal["auto", "huggingface", "fastokens"]

MAX_VOCABULARY = 2**26
"""V: a task would take 5 GB for its vectors alone."""
MAX_DOCUMENTS = 2**31 - 1
"""Largest number of first documents: Spark counts them in an int. Without a limit there may be more."""
Engine = Annotated[
    TokenizerEngine,
    Field(
        description="what encodes, to the same ids: 'huggingface', the tokenizers library; 'fastokens', 4 to 28 times "
        "as fast; 'auto': fastokens where it is installed and proven for this tokenizer"
    ),
]
N_BYTES = 256
"""Byte-level tokens, which exist without training."""


class WordTokenizerSection(Section):
    """The paper's word rule: lower case, runs of letters, every other visible character alone."""

    kind: Literal["words"]
    vocabulary_size: int = Field(
        ge=1, le=MAX_VOCABULARY, description="the N most frequent words are the vocabulary; words"
    )
    unknown: UnknownPolicy = Field(
        default="drop",
        description="documents with other words: 'drop' them, as the paper does, or 'replace' those words with <unk>",
    )


class BpeTokenizerSection(Section):
    """Byte-level byte pair encoding, trained on the corpus itself."""

    kind: Literal["bpe"]
    vocabulary_size: int = Field(
        ge=N_BYTES,
        le=MAX_VOCABULARY,
        description="V: the 256 bytes and merges of frequent pairs, as many as the text provides; tokens",
    )
    training_documents: Annotated[int, Field(ge=1, le=MAX_DOCUMENTS)] | None = Field(
        default=100_000,
        description="trained on the first N eligible documents, in order of file path and row; null: all",
    )
    engine: Engine = "auto"


class HuggingFaceTokenizerSection(Section):
    """A tokenizer of the Hugging Face library, as it comes with a model."""

    kind: Literal["huggingface"]
    source: Text = Field(description="a tokenizer.json, a model folder, a GGUF file, or a name on the Hugging Face hub")
    revision: Text | None = Field(
        default=None, description="branch, tag or commit of a hub name; null: the main branch"
    )
    add_special_tokens: bool = Field(
        default=False, description="add the special tokens (such as <s>) that the tokenizer puts around a text"
    )
    engine: Engine = "auto"


class IdsTokenizerSection(Section):
    """No tokenizer: the documents are already token ids."""

    kind: Literal["ids"]
    vocabulary_size: int = Field(ge=1, le=MAX_VOCABULARY, description="V: ids are 0 to V-1; tokens")


TokenizerSection = WordTokenizerSection | BpeTokenizerSection | HuggingFaceTokenizerSection | IdsTokenizerSection
