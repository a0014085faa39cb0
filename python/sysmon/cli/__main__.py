"""`python -m sysmon.cli`, where the scripts folder is not on the PATH."""

from sysmon.cli import main

if __name__ == "__main__":
    main(prog_name="sysmon")
