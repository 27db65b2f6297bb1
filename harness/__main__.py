"""`python -m harness` is `bench`."""

from harness.cli.command_line import main

if __name__ == "__main__":
    main()
