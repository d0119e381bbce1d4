"""A run directory: products with manifests, on any filesystem that pyarrow opens."""

from leadterm.store.location import Location
from leadterm.store.making import require_manifest
from leadterm.store.manifest import FileEntry, Manifest
from leadterm.store.products import is_current, read_manifest
from leadterm.store.stages import Stage, Staging, forget, staging

__all__ = [
    "FileEntry",
    "Location",
    "Manifest",
    "Stage",
    "Staging",
    "forget",
    "is_current",
    "read_manifest",
    "require_manifest",
    "staging",
]
