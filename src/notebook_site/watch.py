"""Watches a kernel and everything it starts: memory, time, and that nothing outlives it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

import psutil
from jupyter_client.manager import AsyncKernelManager

MARK = "NOTEBOOK_SITE_RUN"
SAMPLE_SECONDS = 0.2
CANCEL = threading.Event()  # set when a person interrupts the build: every watched kernel is killed
GRACE_SECONDS = 3.0  # helpers of joblib and multiprocessing need a moment to see that their parent has gone


def process_mark(mark: str) -> dict[str, str]:
    """The environment variable by which a run's processes are found, even those that left their parent's group."""
    return {MARK: mark}


class Watch:
    """Samples a kernel's process tree in the background and kills the kernel when it passes a limit.

    `seconds` limits the notebook's wall time, `memory_mb` the resident memory of the tree in MB (2**20 bytes); shared
    pages count once for each process. `peak_mb` is the largest sample.
    """

    def __init__(self, manager: AsyncKernelManager, mark: str, seconds: float, memory_mb: float) -> None:
        self.peak_mb = 0.0
        self._manager = manager
        self._mark = mark
        self._seconds = seconds
        self._memory_mb = memory_mb
        self._exceeded: tuple[str, str] | None = None
        self._asked: tuple[str, str] | None = None
        self._seen: set[psutil.Process] = set()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def stop(self, kind: str, what: str) -> None:
        """Have the kernel killed at the next sample, for a reason that somebody else saw; the first reason counts."""
        self._asked = self._asked or (kind, what)

    def failure(self, make: Callable[[str, str], Any]) -> Any:
        """`make(kind, what)` of the limit that was passed, None if none was."""
        return make(*self._exceeded) if self._exceeded else None

    def end_strays(self) -> list[str]:
        """Kill what is left of the run, after a moment's grace; the command lines of what had to be killed."""
        deadline = time.monotonic() + GRACE_SECONDS
        while (left := self._alive()) and time.monotonic() < deadline:
            time.sleep(0.1)
        names = []
        for process in left:
            with suppress(psutil.Error):
                names.append(f"{' '.join(process.cmdline())[:80] or process.name()!r} (process {process.pid})")
                process.kill()
        psutil.wait_procs(left, timeout=5)
        return names

    def _loop(self) -> None:
        deadline = time.monotonic() + self._seconds
        while not self._done.wait(SAMPLE_SECONDS):
            tree = self._tree()
            self._seen |= set(tree)
            used = sum(_resident(process) for process in tree) / 2**20
            self.peak_mb = max(self.peak_mb, used)
            if CANCEL.is_set():
                self._kill(tree, "kernel-died", "interrupted")
            elif self._exceeded is None and self._asked is not None:
                self._kill(tree, *self._asked)
            elif self._exceeded is None and used > self._memory_mb:
                self._kill(tree, "memory", f"used {used:.0f} MB; the limit is {self._memory_mb:.0f} MB")
            elif self._exceeded is None and time.monotonic() > deadline:
                self._kill(tree, "timeout", f"the notebook ran longer than {self._seconds:.0f} s")

    def _kill(self, tree: list[psutil.Process], kind: str, what: str) -> None:
        self._exceeded = (kind, what)
        for process in reversed(tree):
            with suppress(psutil.Error):
                process.kill()

    def _tree(self) -> list[psutil.Process]:
        pid = getattr(self._manager.provisioner, "pid", None)
        if not pid:
            return []
        try:
            kernel = psutil.Process(pid)
            return [kernel, *kernel.children(recursive=True)]
        except psutil.Error:
            return []

    def _alive(self) -> list[psutil.Process]:
        """Processes of this run that still live: seen below the kernel, or carrying its mark."""
        found = {process for process in self._seen if process.is_running()}
        found |= {process for process in psutil.process_iter() if _carries(process, self._mark)}
        return [process for process in found if _is_alive(process)]


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _carries(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK) == mark
    except (psutil.Error, OSError):
        return False


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
