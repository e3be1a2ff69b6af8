"""The command line. Each command imports what it needs only when it runs, so that ``--help`` answers at once."""


def main() -> None:
    """The program ``taskhub``."""
    from taskhub.cli.app import app

    app()
