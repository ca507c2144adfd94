"""What `make bench` runs: kernels alone and whole chains, timed and compared, never asserted."""
