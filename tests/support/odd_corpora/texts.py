"""Documents of odd characters, and odd names of files."""

from __future__ import annotations

from random import Random

from support.odd_corpora.settings import Setting
from support.reference_reader import Document

WORDS = (
    "the", "cat", "Sat", "ON", "mat", "don't", "naïve", "ǅ", "ΣΑΣ", "İx", "漢字", "日本", "\U00020000", "😀", "👨‍👩‍👧",
    "e\u0301", "½", "Ⅻ", "１２", "12.5", "\u200b", "\u200d", "\ufeff", "\ufffd", "\ufffe", "\ue000", "\x00", "\x01",
    "\x7f", '"', "\\", "/", "\\u0041", "\\n", "{", "}", "[", "]", '{"text": "no"}', "null", "NaN", "<unk>",
    "'", "a" * 70,
)  # fmt: skip
SPACES = (
    " ",
    " ",
    " ",
    "  ",
    "\n",
    "\t",
    "\r",
    "\r\n",
    "\u00a0",
    "\u3000",
    "\u2028",
    "\u2029",
    "\u0085",
    "\x0b",
    "\x0c",
    "",
)
NAMES = (
    "a b", "50%", "%41", "%2F", "ünï", "u\u0308", "a[1]", "b{2}", "c*", "d?", "e\\f", "g#h", "12:30", "x=1", "&", "'q'",
    '"q"', "😀", "+", ",", ";", "~", "$HOME", "-", "漢", "a..b", "no ending ", "tab\there", "!", "(1)", "@", "^", "`",
)  # fmt: skip


def text(random: Random) -> str:
    """Make up a text; one in two thousand is long."""
    if random.random() < 0.0005:
        return "".join(random.choice(WORDS) + " " for _ in range(1000)) * random.choice((30, 100))
    n_words = random.choice((0, 1, 2, 3, 5, 8, 13, 30))
    return "".join(random.choice(WORDS) + random.choice(SPACES) for _ in range(n_words))


def document(random: Random, setting: Setting) -> Document:
    """Make up a document; some are null."""
    if random.random() < 0.1:
        return None
    if setting.asked.is_ids:
        n_ids = random.choice((0, 1, 2, 5, 20))
        return [random.randrange(setting.limits.vocabulary_size) for _ in range(n_ids)]
    return text(random)


def documents(random: Random, setting: Setting) -> list[Document]:
    """Make up the documents of a file."""
    n_documents = 1200 if random.random() < 0.01 else random.choice((0, 1, 1, 2, 3, 5, 8, 13, 40, 140))
    return [document(random, setting) for _ in range(n_documents)]


def name(random: Random, number: int, ending: str) -> str:
    """Make up the name of a file; the number keeps names apart."""
    return f"{random.choice(NAMES)}{number}.{ending}"
