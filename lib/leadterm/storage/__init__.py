"""A run directory: products with manifests, on any filesystem that pyarrow opens."""

from leadterm.storage.location import Location
from leadterm.storage.manifest import FileEntry, Manifest
from leadterm.storage.read_products import is_current, read_manifest
from leadterm.storage.require_products import require_manifest
from leadterm.storage.staged.staging_folder import Stage, Staging, forget, staging

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
