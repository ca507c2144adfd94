"""What the console answers, by subject; each module makes its router over the served trees."""
