"""Text to words and documents to windows by their definitions, a character and a token at a time."""

import unicodedata


def naive_words(text: str) -> list[str]:
    """Return the lower-case runs of letters, and every other visible character alone."""
    tokens, word = [], ""
    for character in text.lower():
        if unicodedata.category(character).startswith("L"):
            word += character
            continue
        if word:
            tokens.append(word)
            word = ""
        if not character.isspace():
            tokens.append(character)
    return [*tokens, word] if word else tokens


def naive_windows(documents: list[list[int]], length: int, policy: str) -> list[tuple[int, int, list[int]]]:
    """Return (document, place in the document, tokens) of every window, by the policy's definition."""
    found = []
    for index, tokens in enumerate(documents):
        if policy == "first":
            if len(tokens) >= length + 1:
                found.append((index, 0, tokens[: length + 1]))
            continue
        start = window = 0
        while len(tokens) - start >= 2:
            found.append((index, window, tokens[start : start + length + 1]))
            start, window = start + length, window + 1
    return found
