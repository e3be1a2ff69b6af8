"""``python -m taskhub``."""

from taskhub.cli import main

if __name__ == "__main__":
    main()
