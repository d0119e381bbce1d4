"""The job count_two_hops: windows become the two matrices of the predicted weights' next order."""
