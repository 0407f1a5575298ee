"""Traces reach whoever collects them."""

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ONE_REQUEST = """
import sys
from pathlib import Path
from fastapi.testclient import TestClient
from opentelemetry import trace
from praxino.jobs.settings import Settings
from praxino.server import traces
from praxino.server.app import create_app
traces.install()
with TestClient(create_app(Settings(data=Path(sys.argv[1])))) as client:
    client.get("/healthz")
trace.get_tracer_provider().force_flush()
"""


def test_requests_are_traced_where_the_environment_says(tmp_path: Path):
    heard: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            heard.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        where = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}"}
        command = [sys.executable, "-c", ONE_REQUEST, str(tmp_path)]
        subprocess.run(command, env=where, check=True, timeout=60)
        collector.shutdown()
    assert heard[0][0] == "/v1/traces"
    assert b"/healthz" in heard[0][1]
