"""`python -m shadowprice`."""

from shadowprice.cli import main

main()
