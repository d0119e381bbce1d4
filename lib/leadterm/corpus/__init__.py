"""Documents to token windows: word rule, tokenizers, windows and the sample text; no Spark, no torch."""

from leadterm.corpus.bpe import count_pieces, train_bpe
from leadterm.corpus.huggingface import HuggingFaceTokenizer
from leadterm.corpus.permutation import Permutation
from leadterm.corpus.ragged import Ragged
from leadterm.corpus.sample import read_sample, sample_model
from leadterm.corpus.shuffling import ShuffledCorpus
from leadterm.corpus.sources import load_tokenizer
from leadterm.corpus.tokenizer import Encoded, Tokenizer, check_ids
from leadterm.corpus.tokenizer_files import ids_file, word_file
from leadterm.corpus.windows import Windows, cut_windows
from leadterm.corpus.word_tokenizer import UNK, WordTokenizer
from leadterm.corpus.words import count_words, most_frequent, split_words

__all__ = [
    "UNK",
    "Encoded",
    "HuggingFaceTokenizer",
    "Permutation",
    "Ragged",
    "ShuffledCorpus",
    "Tokenizer",
    "Windows",
    "WordTokenizer",
    "check_ids",
    "count_pieces",
    "count_words",
    "cut_windows",
    "ids_file",
    "load_tokenizer",
    "most_frequent",
    "read_sample",
    "sample_model",
    "split_words",
    "train_bpe",
    "word_file",
]
