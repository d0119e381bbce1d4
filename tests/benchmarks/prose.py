"""English prose out of documentation: what a reader reads, without markup, code, tables and navigation.

Pages are split at their tags by one regular expression: they are gigabytes, written by programs, and what is left of
broken markup is no prose and goes by that rule.
"""

import re
from collections.abc import Iterable
from html import unescape


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SKIPPED = _words("script style pre nav header footer select button svg math")
"""Elements whose text nobody reads as a sentence: code, menus, formulas."""
BLOCKS = SKIPPED | _words(
    "html head title body main article section aside div p br hr h1 h2 h3 h4 h5 h6 ul ol li dl dt dd table thead tbody "
    "tr td th caption blockquote figure figcaption details summary form center address"
)
"""Elements that begin and end a paragraph; all others are within one."""
COMMON = _words(
    "the of and to in is a an that for be it its or as with this by on are was not from can if will which you when at "
    "has have but they their we he his may should must does do been there all more than other only into"
)
"""Of the most frequent words of English, those that other languages do not share: about 40 % of the words of a text."""
FEWEST_WORDS = 8
LEAST_PLAIN, LEAST_COMMON = 0.6, 0.15
"""Shares of a paragraph's words: of letters alone, not names of code; of those in ``COMMON``."""

_COMMENT = re.compile(r"<!--.*?-->|<![^>]*>", re.DOTALL)
_TAG = re.compile(r"<(/?[a-zA-Z][a-zA-Z0-9]*)[^>]*>")
_MARK = re.compile(r"\[(?:1913 Webster|WordNet 1\.5|PJC)\]")
"""The source of a paragraph, as dictionaries name it a hundred thousand times."""
_BLANK_LINES = re.compile(r"\n\s*\n")
_PLAIN = re.compile(r"[(\"“‘']*[A-Za-z]?[a-z]+(?:['’-][A-Za-z]?[a-z]+)*[.,;:!?)\"”’']*|[AIa][,.]?")
_LETTERS = re.compile(r"[a-z]+")


def page_paragraphs(page: str) -> list[str]:
    """List the paragraphs of English prose in an HTML page."""
    pieces = _TAG.split(_COMMENT.sub("", page).replace("\n", " "))  # text and names of tags by turns
    kept, within = [pieces[0]], ""
    for tag, text in zip(pieces[1::2], pieces[2::2], strict=True):
        name = tag.lower()
        if within:
            within = "" if name == f"/{within}" else within
        elif name in SKIPPED:
            within = name
        if name.removeprefix("/") in BLOCKS:
            kept.append("\n")
        if not within:
            kept.append(text)
    return _prose(map(unescape, "".join(kept).split("\n")))


def text_paragraphs(text: str) -> list[str]:
    """List the paragraphs of English prose in plain text, with blank lines between paragraphs."""
    return _prose(_BLANK_LINES.split(_MARK.sub("", text)))


def is_prose(paragraph: str) -> bool:
    """Whether a paragraph is English: enough words, most of them of letters, some of the most common ones."""
    words = paragraph.split()
    if len(words) < FEWEST_WORDS or "\ufffd" in paragraph:
        return False
    common = sum(word in COMMON for word in _LETTERS.findall(paragraph.lower()))
    return common >= LEAST_COMMON * len(words) and _plain(words) >= LEAST_PLAIN * len(words)


def template(paragraph: str) -> str:
    """Give what a paragraph has in common with those that differ in names of code and numbers only."""
    return " ".join(word.lower() if _PLAIN.fullmatch(word) else "#" for word in paragraph.split())


def _plain(words: list[str]) -> int:
    return sum(_PLAIN.fullmatch(word) is not None for word in words)


def _prose(parts: Iterable[str]) -> list[str]:
    """Put every paragraph on one line, and keep those that are prose."""
    lines = (" ".join(part.split()) for part in parts)
    return [line for line in lines if is_prose(line)]
