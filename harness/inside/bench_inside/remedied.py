"""The ASGI wrapper that applies remedies to an app: when its startup is complete, and before the server knows.

Then all routes are there, also those that a startup adds, and what the app itself does to AnyIO's threads is done. A
remedy that cannot be applied makes the startup fail.
"""

from __future__ import annotations

from collections.abc import Awaitable

from .moved_calls import MovedCalls
from .probe import App, Message, Receive, Send
from .remedies import RemedyOrder, apply


class Remedied:
    """A request passes through without a coroutine of its own, so that it costs what it costs without remedies."""

    def __init__(self, app: App, order: RemedyOrder, calls: MovedCalls | None = None) -> None:
        self.app = app
        self._order = order
        self._calls = calls
        self._is_applied = False

    def __call__(self, scope: Message, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "lifespan":
            return self._lifespan(scope, receive, send)
        if not self._is_applied:  # this server has no lifespan
            self._apply()
        return self.app(scope, receive, send)

    def _apply(self) -> None:
        apply(self.app, self._order, self._calls)
        self._is_applied = True

    async def _lifespan(self, scope: Message, receive: Receive, send: Send) -> None:
        has_spoken = False
        refused: Exception | None = None

        async def apply_or_refuse() -> None:
            nonlocal refused
            try:
                self._apply()
            except Exception as error:
                refused = error
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                raise

        async def listening(message: Message) -> None:
            nonlocal has_spoken
            has_spoken = True
            if refused is not None:  # the server knows already
                return
            if message["type"] == "lifespan.startup.complete":
                await apply_or_refuse()
            await send(message)

        try:
            await self.app(scope, receive, listening)
        except BaseException as error:
            if error is refused:
                raise error.with_traceback(None) from None  # no line of the app has raised it
            raise
        finally:
            if not has_spoken:  # the application has no lifespan; servers accept that
                await apply_or_refuse()
        if refused is not None:  # the application took it for an error of its own
            raise refused
