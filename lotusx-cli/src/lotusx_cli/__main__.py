"""``python -m lotusx_cli``."""

from lotusx_cli.app import main

if __name__ == "__main__":
    main()
