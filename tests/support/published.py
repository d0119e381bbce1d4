"""What is said of a run that is published in tests: every key, and text that would be markup in Markdown or YAML."""

from leadterm.config import DatasetSection

HOSTILE = "<script>alert(1)</script> `a` *b* [c](javascript:d) | e\n---\nf: {g}"

SECTION = DatasetSection.model_validate(
    {
        "title": f"T {HOSTILE}",
        "description": f"First {HOSTILE}\n\n# Second",
        "license": "cc-by-4.0",
        "creators": [
            {"name": f"Ada {HOSTILE}", "url": "https://example.org/ada"},
            {"name": "O", "kind": "organization"},
        ],
        "url": "https://example.org/data",
        "citation": f"@misc{{x, title={{```{HOSTILE}}}}}",
        "version": "1.2.3",
        "date": "2026-01-31",
        "languages": ["en", "pt-BR"],
        "tags": ["bible", f"tag {HOSTILE}"],
        "sources": [
            {"name": f"S {HOSTILE}", "url": "https://example.org/s", "license": "CC0-1.0", "citation": "cite me"},
            {"name": "unlicensed"},
        ],
    }
)
