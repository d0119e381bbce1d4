"""The version that manifests record and setup.py reads."""

__version__ = "0.1.0"
