"""What both counting jobs share: windows are assigned to tasks, partial sums are written and merged into matrices."""
