"""The job pretrain_model: a small language model trained on the windows of a run."""
