"""`python -m ringrift.cli`: the `ringrift` command where its console script is not on the PATH."""

from ringrift.cli.main import main

if __name__ == "__main__":
    main()
