"""Takes what Apprise posts, or refuses it."""

from __future__ import annotations

from tests.service.serving import Quiet, Served


class Hook(Served):
    """`taken` in order of arrival: (headers, body); `status` is what it answers."""

    def __init__(self) -> None:
        self.status = 200
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.refused = 0

    def handler(self) -> type[Quiet]:
        hook = self

        class Handler(Quiet):
            def do_POST(self) -> None:  # noqa: N802  the library calls it so
                body = self.body()
                if hook.status == 200:
                    hook.taken.append((dict(self.headers), body))
                else:
                    hook.refused += 1
                self.say(hook.status)

        return Handler

    @property
    def url(self) -> str:
        """An Apprise address, with a secret in it."""
        return f"json://hub:pa55word@127.0.0.1:{self.port}/s3cretpath"
