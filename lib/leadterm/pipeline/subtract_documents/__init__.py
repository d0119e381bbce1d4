"""The job subtract_documents: a run becomes the run over the same files without some documents."""
