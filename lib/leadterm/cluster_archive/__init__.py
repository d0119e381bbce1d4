"""Packs this environment, interpreter included, for machines of a cluster that have none of it."""

from leadterm.cluster_archive.archive import Packed, pack_environment

__all__ = ["Packed", "pack_environment"]
