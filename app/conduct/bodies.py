"""How large a request's body may be."""

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from app.errors import ProblemResponse, problem

# Else the server reads on, to the body's end, for the sake of the connection.
CLOSE = {"Connection": "close"}

# Up to so many times the limit that is right: many clients see no answer but a broken connection
# where the server closes it while they send.
_WORTH_READING = 16


class Body:
    """The receiving side of a request that has a body of at most `limit` bytes.

    `declared` is the value of its Content-Length; None: it comes in chunks.
    """

    def __init__(self, receive: Receive, limit: int, declared: bytes | None) -> None:
        self.awaited = False  # the application waits for more of it just now
        self._receive = receive
        self._limit = limit
        # A server passes digits on only. int() refuses very many, and these are too large anyway.
        self._declared = int(declared[:19]) if declared is not None and declared.isdigit() else 0
        self._size = 0
        self._complete = False

    def refusal(self) -> ProblemResponse | None:
        """Return the answer to a body that is declared too large, else None."""
        if self._declared <= self._limit:
            return None
        headers = CLOSE if self._declared > _WORTH_READING * self._limit else None
        return problem(413, self._detail(), headers=headers)

    async def receive(self) -> Message:
        """Receive the next part; raises an HTTPException (413) as soon as there is too much."""
        self.awaited = not self._complete
        message = await self._receive()
        self.awaited = False
        if message["type"] == "http.request":
            self._complete = not message.get("more_body", False)
            self._size += len(message.get("body", b""))
            if self._size > self._limit:
                raise HTTPException(413, self._detail(), CLOSE)
        return message

    def _detail(self) -> str:
        return f"The body is larger than {self._limit} bytes, the most that is taken here."
