"""Git's own HTTP server, `git http-backend`, behind a small plain server: what ours is held to."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

NAMES = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE", "CONTENT_LENGTH")
HEADERS = ("HTTP_CONTENT_ENCODING", "HTTP_GIT_PROTOCOL")


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.0"

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def serving(root: Path) -> Iterator[str]:
    """Serves every bare repository below a folder, pushes too; gives the address."""

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        told = {name: str(environ.get(name, "")) for name in NAMES}
        told |= {name: environ[name] for name in HEADERS if name in environ}
        process = subprocess.Popen(
            ["git", "-c", "http.receivepack=true", "-c", "safe.directory=*", "http-backend"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **os.environ,
                **told,
                "GIT_PROJECT_ROOT": str(root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REMOTE_USER": "somebody",
                "REMOTE_ADDR": "127.0.0.1",
            },
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(environ["wsgi.input"].read(int(told["CONTENT_LENGTH"] or 0)))
        process.stdin.close()
        status, headers = "200 OK", []
        while line := process.stdout.readline().strip():
            name, _, value = line.decode().partition(": ")
            if name == "Status":
                status = value
            else:
                headers.append((name, value))
        start_response(status, headers)
        return _pieces(process)

    server = make_server("127.0.0.1", 0, app, _Server, _Quiet)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _pieces(process: "subprocess.Popen[bytes]") -> Iterator[bytes]:
    assert process.stdout is not None
    while piece := process.stdout.read(65_536):
        yield piece
    process.stdout.close()
    process.wait()


if __name__ == "__main__":
    with serving(Path(sys.argv[1])) as address:
        print(address, flush=True)
        sys.stdin.read()  # until whoever started this is done
