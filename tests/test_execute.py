"""Real kernels: what runs, and each way of failing."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import psutil
import pytest
from conftest import GOOD, code, limited, md, parsed

from notebook_site.execute import CAUSES, execute
from notebook_site.settings import Settings, SiteError

TITLE = md("# 问题？")
SLEEPER = "import subprocess\n\nsubprocess.Popen(['sleep', '4567'], start_new_session=True)\nNone"

FAILURES = {
    "error": (
        code("a = 1\na / 0"),
        "code cell 1 of 1 (code-b), line 2: ZeroDivisionError: division by zero\n    a / 0",
    ),
    "assertion": (code("x = 3\nassert x == 2, 'not two'", "check"), "line 2: AssertionError: not two"),
    "expected-error-missing": (code("1 + 1", "raises-exception"), "ended without the error it announces"),
    "kernel-died": (code("import os\n\nos._exit(3)"), "code cell 1 of 1 (code-b): "),
    "network": (code("import urllib.request\n\nurllib.request.urlopen('http://example.com')"), "the network is off"),
    "missing-package": (code("import surely_not_installed"), "No module named 'surely_not_installed'"),
    "stray-process": (code(SLEEPER), "still running after the kernel's end: 'sleep 4567'"),
    "output": (code("import sys\n\nprint('noise', file=sys.stderr)"), "writes to stderr: noise"),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_a_failure_names_its_kind_its_place_and_its_remedy(settings: Settings, kind: str) -> None:
    cell, expected = FAILURES[kind]
    done = execute(parsed(TITLE, cell), settings)
    assert done.outcome == kind
    assert done.message.startswith("notebooks/first/01-one.ipynb: ") and expected in done.message
    assert CAUSES[kind] in done.message and "notebook-site execute notebooks/first/01-one.ipynb" in done.message


def test_every_kind_of_failure_is_tried_here() -> None:
    assert set(CAUSES) - set(FAILURES) == {"timeout", "memory"}  # below: they need tighter limits


def test_nothing_that_a_notebook_started_outlives_it(settings: Settings) -> None:
    def sleepers() -> set[int]:
        return {p.pid for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "4567"]}

    before = sleepers()
    assert execute(parsed(TITLE, code(SLEEPER)), settings).outcome == "stray-process"
    assert sleepers() <= before


@pytest.mark.parametrize(
    "endless",
    [
        "import time\n\ntime.sleep(600)",
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
    ],
)
def test_a_cell_that_takes_too_long_is_stopped_even_if_it_ignores_interrupts(settings: Settings, endless: str) -> None:
    done = execute(parsed(TITLE, code("1"), code(endless, id="slow")), limited(settings, cell_seconds=2))
    assert done.outcome == "timeout" and "code cell 2 of 2 (slow): ran longer than 2 s" in done.message


def test_a_notebook_that_takes_too_long_in_many_cells_is_stopped(settings: Settings) -> None:
    naps = [code("import time\n\ntime.sleep(0.6)", id=f"nap-{i}") for i in range(9)]
    done = execute(parsed(TITLE, *naps), limited(settings, notebook_seconds=3))
    assert done.outcome == "timeout" and "the notebook ran longer than 3 s" in done.message


def test_a_notebook_that_takes_too_much_memory_is_stopped(settings: Settings) -> None:
    hog = code("import time\n\nblock = bytearray(700 * 2**20)\ntime.sleep(20)")
    done = execute(parsed(TITLE, hog), limited(settings, memory_mb=400))
    assert done.outcome == "memory" and "the limit is 400 MB" in done.message


def test_a_notebook_that_prints_without_end_is_stopped(settings: Settings) -> None:
    done = execute(parsed(TITLE, code("while True:\n    print('x' * 1000)", id="flood")), settings)
    assert done.outcome == "output" and "printed more than 1,000,000 characters, by cell flood" in done.message
    assert len(json.dumps(done.notebook)) < 2_000_000


def test_memory_and_time_are_measured(settings: Settings) -> None:
    done = execute(
        parsed(TITLE, code("import time\n\nblock = bytearray(300 * 2**20)\ntime.sleep(1)", id="hold")), settings
    )
    assert done.outcome == "ok" and 300 < done.peak_memory_mb < 600
    assert [c.id for c in done.cells] == ["hold"] and 1 <= done.cells[0].seconds <= done.seconds


def test_loopback_is_allowed(settings: Settings) -> None:
    served = """
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *arguments):
        pass


with HTTPServer(("127.0.0.1", 0), Answer) as server:
    threading.Thread(target=server.handle_request).start()
    print(urllib.request.urlopen(f"http://localhost:{server.server_port}").read())
"""
    done = execute(parsed(TITLE, code(served.strip())), settings)
    assert done.outcome == "ok", done.message
    assert "b'hello'" in json.dumps(done.notebook)


def test_the_network_is_off_in_child_processes_too(settings: Settings) -> None:
    child = "import subprocess\nimport sys\n\nline = \"import socket; socket.create_connection(('192.0.2.1', 80), 1)\"\nsubprocess.run([sys.executable, '-c', line], capture_output=True, text=True).stderr[-80:]"
    done = execute(parsed(TITLE, code(child)), settings)
    assert "the network is off" in json.dumps(done.notebook)


def test_a_cell_tagged_warns_may_warn_and_an_announced_error_may_come(settings: Settings) -> None:
    warn = code("import warnings\n\nwarnings.warn('old')", "warns")
    done = execute(parsed(TITLE, warn, code("1 / 0", "raises-exception"), code("'after'")), settings)
    assert done.outcome == "ok" and "'after'" in json.dumps(done.notebook)


def test_a_figure_is_the_same_in_every_run(settings: Settings) -> None:
    draw = code("import matplotlib.pyplot as plt\n\nplt.plot([1, 2])\nplt.show()")
    first, second = (json.dumps(execute(parsed(TITLE, draw), settings).notebook["cells"]) for _ in range(2))
    assert "<svg" in first and "1980-01-01" in first and first == second


def test_object_addresses_are_refused(settings: Settings) -> None:
    done = execute(parsed(TITLE, code("object()")), settings)
    assert done.outcome == "output" and "shows an object's address" in done.message


def test_a_notebook_runs_in_an_empty_folder_with_its_declared_data_only(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "table.csv").write_text("a\n1\n")
    (tmp_path / "other.csv").write_text("b\n")
    listing = code("import os\n\nsorted(os.path.join(d, f) for d, _, files in os.walk('.') for f in files)")
    done = execute(parsed(TITLE, listing, folder=tmp_path, data=["data/table.csv"]), settings)
    assert "['./data/table.csv']" in json.dumps(done.notebook)


def test_a_missing_data_file_is_named(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"first/01-one.ipynb.*cannot set up its run.*gone\.csv"):
        execute(parsed(*GOOD, folder=tmp_path, data=["gone.csv"]), settings)


def test_the_environment_of_the_builder_does_not_leak_into_a_kernel(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("CI", "true")
    show = code("import os\n\n[os.environ.get(n) for n in ('HTTPS_PROXY', 'CI', 'OMP_NUM_THREADS', 'PYTHONHASHSEED')]")
    assert "[None, None, '1', '0']" in json.dumps(execute(parsed(TITLE, show), settings).notebook)


def test_the_temporary_folder_is_gone_afterwards(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(prefix="nbt") as short:  # pytest's own folders are too long for a Unix socket
        monkeypatch.setattr("tempfile.tempdir", short)
        execute(parsed(TITLE, code("open('left.txt', 'w').write('x')\nNone")), settings)
        assert not list(Path(short).glob("nbsite-*"))
