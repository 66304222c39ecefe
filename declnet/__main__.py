"""`python -m declnet` is the command line."""

from declnet.cli.main import main

if __name__ == "__main__":
    main()
