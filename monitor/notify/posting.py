"""One request to a webhook: bounded, not redirected, and with an outcome that holds no address."""

from __future__ import annotations

from collections.abc import Mapping

import httpx2

from monitor.notify.replies import Reply, ReplyRefusal

_REPLY_BYTES = 64 * 1024


def post(
    url: str, content: bytes, headers: Mapping[str, str], timeout: tuple[float, float], *, verify: bool = True
) -> Reply | ReplyRefusal:
    """Post bytes and return what came back; a refusal where nothing did.

    `timeout` is in seconds, for each read and for connecting.
    """
    read, connect = timeout
    try:
        with (
            httpx2.Client(
                timeout=httpx2.Timeout(read, connect=connect), verify=verify, follow_redirects=False
            ) as client,
            client.stream("POST", url, content=content, headers={"User-Agent": "access-monitor", **headers}) as answer,
        ):
            # Streamed and cut: an answer may go on for as long as it is read.
            text = next(answer.iter_bytes(_REPLY_BYTES), b"").decode("utf-8", "replace")
            return Reply(status=answer.status_code, text=text, retry_after=answer.headers.get("Retry-After", ""))
    except httpx2.TimeoutException:
        return ReplyRefusal(reason="no answer in time")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        # Its message may hold the URL, and so the secret; the kind of error is enough.
        return ReplyRefusal(reason=f"could not be reached ({type(error).__name__})")
