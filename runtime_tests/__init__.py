"""The artifacts on other runtimes than the one that edgepack installs: `python -m runtime_tests node web ort-1.21`."""
