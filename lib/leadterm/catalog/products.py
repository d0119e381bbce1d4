"""What a run consists of."""

VERIFICATION = "verification"
