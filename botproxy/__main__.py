"""`python -m botproxy`: the same command line as `botproxy`."""

from botproxy.cli import main

if __name__ == "__main__":
    main(prog_name="botproxy")
