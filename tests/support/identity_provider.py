"""An identity provider on loopback: it describes itself, sends browsers back with a code, and gives for it a token that
it signs. A test says what it gets wrong.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

CLIENT = "access-monitor"
SECRET = "the-secret-of-the-client"


class IdentityProvider:
    """One provider with one person. `claims` are merged into those of its tokens; None leaves one out.

    `token_key`, `algorithm` and `described` replace what is right.
    """

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, parameters={"kid": "k1"})
        self.other_key = RSAKey.generate_key(2048, parameters={"kid": "k1"})
        self.shared = OctKey.import_key(SECRET)
        self.reset()
        self.asked: list[dict[str, str]] = []
        self._codes: dict[str, dict[str, str]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, query = urlsplit(self.path).path, _flat(urlsplit(self.path).query)
                if path == "/authorize":
                    self.send_response(302)
                    self.send_header("Location", provider.authorize(query))
                    self.end_headers()
                    return
                self._answer(*provider.answer(path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._answer(*provider.exchange(_flat(body), self.headers.get("Authorization", "")))

            def _answer(self, status: int, document: object) -> None:
                content = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"

    def reset(self) -> None:
        """Make everything right again."""
        self.claims: dict[str, Any] = {}
        self.described: dict[str, Any] = {}
        self.token_key: Any = self.key
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "k1"}
        self.cut: Callable[[str], str] = lambda token: token
        self.public_client = False

    def __enter__(self) -> IdentityProvider:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def authorize(self, query: dict[str, str]) -> str:
        """Sign the person in, and return where the browser goes back to."""
        self.asked.append(query)
        code = hashlib.sha256(query["state"].encode()).hexdigest()
        self._codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def answer(self, path: str) -> tuple[int, object]:
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                **self.described,
            }
        return (200, KeySet([self.key]).as_dict(private=False)) if path == "/keys" else (404, {})

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, object]:
        """Give a token for a code, once, to the client that can show the verifier of its challenge."""
        query = self._codes.pop(form.get("code", ""), None)
        basic = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        known = form.get("client_id") == CLIENT if self.public_client else authorization == basic
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if query is None or not known or query.get("code_challenge") != challenge:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "00u1",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": query["nonce"],
            "email": "ada@example.com",
            "email_verified": True,
            "groups": ["platform"],
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        algorithms = ["RS256", "HS256", "none"]
        token = jwt.encode(self.header, claims, self.token_key, algorithms=algorithms)
        return 200, {"access_token": "at", "token_type": "Bearer", "id_token": self.cut(token)}


def _flat(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text).items()}
