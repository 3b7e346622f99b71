"""A request that is not answered: why, in a sentence. What its sender did wrong is never a fault of the server."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response


class RefusedError(Exception):
    """Its HTTP status, and a sentence that says why. `closes`: its body was not read to the end; `wait`: seconds until another try."""

    def __init__(self, status: int, reason: str, closes: bool = False, wait: int = 0) -> None:
        super().__init__(reason)
        self.status = status
        headers = {"connection": "close" if closes else "", "retry-after": str(wait or "")}
        self.headers = {name: value for name, value in headers.items() if value}

    def response(self) -> Response:
        """What its sender is told."""
        return JSONResponse({"error": str(self)}, self.status, headers=self.headers)


def _refused(_: Any, error: Exception) -> Response:
    return (error if isinstance(error, RefusedError) else RefusedError(400, "The request cannot be read.")).response()


def handlers(*more: type[Exception]) -> dict[Any, Any]:
    """What an application answers where its routes raise. Gradio's do on what no page of theirs sends: an unknown name or number, a missing
    field, a value of another kind; `more` are its own exceptions."""
    return dict.fromkeys((RefusedError, LookupError, ValueError, TypeError, AttributeError, RecursionError, *more), _refused)
