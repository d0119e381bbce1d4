"""Texts on which tokenizers differ, if they differ anywhere: every byte, script, space, digit, contraction and more."""

import json
import random
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from leadterm.corpus.hf_tokenizer import HuggingFaceTokenizer

SURROGATES = range(0xD800, 0xE000)
LARGE = (range(0x3400, 0xA000), range(0xAC00, 0xD7A4), range(0x17000, 0x18D00), range(0x20000, sys.maxunicode + 1))
"""Code points of ideographs, syllables and private use, of which one in :data:`STRIDE` is taken."""
STRIDE = 97
RUN = 24
"""Characters that follow each other in one text."""
APOSTROPHES = ("'", "\u2019", "`", "\u02bc", "\uff07")
ENDINGS = (
    "s",
    "S",
    "\u017f",
    "t",
    "T",
    "re",
    "RE",
    "rE",
    "ve",
    "Ve",
    "m",
    "M",
    "ll",
    "LL",
    "l",
    "d",
    "D",
    "\u212a",
    "x",
)
"""Of contractions; ſ and the Kelvin sign are an s and a k to whoever ignores case."""
EMOJI = (
    "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea\U0001f1eb", "\U0001f44d\U0001f3fd",
    "1\ufe0f\u20e3", "\u2764\ufe0f\u200d\U0001f525", "\U0001f3f4\U000e0067\U000e0062\U000e007f", "\u263a\ufe0e",
)  # fmt: skip
WORDS = (
    "the", " of", " House", "I", " don", "naïve", "Straße", "İstanbul", "ﬁne", "Å", "e\u0301", "\u1112\u1161\u11ab",
    "中文", " 日本語", "한국어", " Привет", "שלום", "مرحبا", "नमस्ते", "ไทย", " foo_bar", "http://a.b/c?d=e&f=1",
    "x=1;", "--", "...", " !?", "\u200b", "\u00ad", "\ufeff", "\ufffd", "½", "²", "1,000.50", "camelCase", "HTMLParser",
    "<|x|>", "\x00", "\x1b[0m",
)  # fmt: skip
ALPHABETS = (
    "a", "ab", "abcdefghijklmnopqrstuvwxyz", "ACGT", "中文字的", "éèê", "=-", "\u0301", "0123456789abcdef",
)  # fmt: skip
"""Of words far longer than any in a book."""
MIXED = 1_500
"""Texts put together at random."""
TOKENS = 2_000
"""Tokens of the vocabulary whose texts are strung together."""
SEED = 20_260_119


def hard_texts(tokenizer: HuggingFaceTokenizer) -> list[str]:
    """Gather them; those that depend on the vocabulary and its added tokens are of this tokenizer.

    Returns
    -------
    list of str
        Several thousand, the same in every run with one version of Python's Unicode tables.
    """
    added = [token["content"] for token in json.loads(tokenizer.to_json())["added_tokens"]]
    return [
        "",
        *(form for code in range(256) for form in (chr(code), f"a{chr(code)}b", f" {chr(code)}{chr(code)} ")),
        *_scripts(),
        *_marks(),
        *(emoji * n for emoji in EMOJI for n in (1, 2, 5)),
        *_spaces(_all_spaces()),
        *_digits(),
        *_contractions(),
        *_added(added),
        *_long_words(),
        *_of_vocabulary(tokenizer),
        *mixed_texts(random.Random(SEED), MIXED, added),
    ]  # fmt: skip


def _all_spaces() -> list[str]:
    """List the characters that Python takes for white space."""
    return [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]


def _scripts() -> Iterator[str]:
    """Every assigned character of nearly all scripts, in runs, alone between letters, and before a digit."""
    codes = [
        code for code in range(0x100, sys.maxunicode + 1)
        if code not in SURROGATES
        and (code % STRIDE == 0 if any(code in large for large in LARGE) else unicodedata.category(chr(code)) != "Cn")
    ]  # fmt: skip
    for start in range(0, len(codes), RUN):
        run = [chr(code) for code in codes[start : start + RUN]]
        yield "".join(run)
        yield " ".join(run) + "7" + "a".join(run)


def _marks() -> Iterator[str]:
    """Combining marks of every kind after letters, marks, digits, spaces and each other."""
    marks = [chr(code) for code in range(0x300, 0x20000) if unicodedata.combining(chr(code))]
    for start in range(0, len(marks), RUN):
        run = marks[start : start + RUN]
        yield "".join(base + mark for base, mark in zip("eaoA1 .가" * RUN, run, strict=False))
        yield "e" + "".join(run)
        yield "e" + "".join(reversed(run))  # Which an order of marks, as NFC has it, turns round.


def _spaces(spaces: Sequence[str]) -> Iterator[str]:
    """Runs of each white space, of every length up to 40 and some longer, within and around words."""
    for space in spaces:
        for n in (*range(1, 41), 64, 127, 128, 129, 300) if space in " \n\t\r" else (1, 2, 3, 8):
            run = space * n
            yield from (run, f"a{run}b", f"{run}1", f".{run}")
    for one in " \n\t\r\u00a0\u2028":
        yield from (f"a{one}{other}b{one}{one}{other} c{other}\n{one}" for other in spaces)


def _digits() -> Iterator[str]:
    """Runs of digits of several scripts, up to 20, with letters and spaces beside them."""
    for digit in "17٣१௧１½²Ⅷ㊿":
        for n in range(1, 21):
            yield from (digit * n, f"a{digit * n}", f" {digit * n}.5", f"{digit * n} {digit}9")


def _contractions() -> Iterator[str]:
    """Contractions after words of either case, before letters, and before each other: ``it'll've``."""
    forms = [f"{mark}{end}" for mark in APOSTROPHES for end in ENDINGS]
    yield from (
        f"{start}{form}{after}" for form in forms for start in ("it", "I ", "B", "") for after in ("", "a", " x")
    )
    usual = forms[: len(ENDINGS)]
    yield from (
        f"{start}{one}{other}{after}" for one in usual for other in usual for start in "aB " for after in ("", "o")
    )


def _added(added: Sequence[str]) -> Iterator[str]:
    """Added and special tokens alone, within text, beside each other, cut short and in another case."""
    for index, token in enumerate(added):
        yield f"x{token}y"
        if index < TOKENS // 4:
            yield from (
                token,
                f" {token} ",
                f"a {token}\n b{token}{token}",
                token[:-1],
                f"{token[:-1]} ",
                token.swapcase(),
            )
            yield f"{added[index - 1]}{token} 1{token}{added[index - 1]}'s"


def _long_words() -> Iterator[str]:
    """Words far longer than any in a book."""
    pick = random.Random(SEED)
    for alphabet in (
        "a",
        "ab",
        "abcdefghijklmnopqrstuvwxyz",
        "ACGT",
        "中文字的",
        "éèê",
        "=-",
        "\u0301",
        "0123456789abcdef",
    ):
        yield from ("".join(pick.choices(alphabet, k=size)) for size in (100, 3_000))


def _of_vocabulary(tokenizer: HuggingFaceTokenizer) -> Iterator[str]:
    """Texts of tokens from all over the vocabulary, strung together with and without spaces."""
    pick = random.Random(SEED)
    ids = pick.sample(range(tokenizer.vocabulary_size), min(TOKENS, tokenizer.vocabulary_size))
    texts = [tokenizer.decode([index]) for index in ids]
    for start in range(0, len(texts), RUN):
        yield "".join(texts[start : start + RUN])
        yield " ".join(text.strip().title() for text in texts[start : start + RUN])


def mixed_texts(pick: random.Random, n_texts: int, added: Sequence[str] = ()) -> Iterator[str]:
    """Texts of words, spaces, digits, contractions, added tokens and characters of every category, at random."""
    by_category: dict[str, list[str]] = defaultdict(list)
    for code in range(sys.maxunicode + 1):
        if code not in SURROGATES:
            by_category[unicodedata.category(chr(code))].append(chr(code))
    categories, spaces = sorted(by_category), _all_spaces()
    kinds: list[Callable[[], str]] = [
        lambda: pick.choice(spaces) * pick.randrange(1, 9),
        lambda: "".join(pick.choices(spaces, k=pick.randrange(1, 5))),
        lambda: "".join(pick.choice(by_category[pick.choice(categories)]) for _ in range(pick.randrange(1, 7))),
        lambda: "".join(pick.choices("0123456789٣१½²", k=pick.randrange(1, 9))),
        lambda: pick.choice(added or WORDS),
        lambda: pick.choice(APOSTROPHES) + pick.choice(ENDINGS),
        lambda: pick.choice(WORDS),
        lambda: pick.choice(WORDS),
    ]
    yield from ("".join(pick.choice(kinds)() for _ in range(pick.randrange(1, 14))) for _ in range(n_texts))
