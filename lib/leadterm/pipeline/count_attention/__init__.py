"""The job count_attention: windows and composed scores become the query-key matrix and the position bias."""
