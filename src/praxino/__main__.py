"""`python -m praxino`, and so `torchrun ... -m praxino`: the command line."""

from praxino.cli.main import main

if __name__ == "__main__":
    main()
