"""`python -m specsight.cli`."""

from specsight.cli import main

main()
