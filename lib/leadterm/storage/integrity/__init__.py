"""Whether a run is what its manifests say: every file against its hash, every product against its inputs."""
