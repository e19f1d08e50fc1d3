"""Bounds on how far a file of sums and monotone functions is from the server, for every row of declared ranges."""
