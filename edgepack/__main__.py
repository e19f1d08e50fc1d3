"""`python -m edgepack` is `edgepack`: for where a virtual environment's scripts are not on the path."""

from edgepack.cli import main

main()
