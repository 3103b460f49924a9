"""`python -m handcart`."""

from handcart.cli import main

main()
