"""What runs in the worker, in the model's own environment: no edgepack, Python 3.8 or later, NumPy."""
