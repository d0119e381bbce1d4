"""The job count_adam_attention: windows and scores become the attention terms under another optimizer."""
