"""A run directory: products with manifests, on any filesystem that pyarrow opens."""

from leadterm.store.location import Location
from leadterm.store.manifest import FileEntry, Manifest
from leadterm.store.products import Staging, is_current, read_manifest, require_manifest, staging

__all__ = [
    "FileEntry",
    "Location",
    "Manifest",
    "Staging",
    "is_current",
    "read_manifest",
    "require_manifest",
    "staging",
]
