"""Telling a person how far the execution is: a bar on a terminal, a line a notebook elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from notebook_site.run import Progress as Step


@dataclass
class Reporter:
    """The two callbacks of `run`."""

    console: Console
    bar: Progress
    tasks: list[TaskID] = field(default_factory=list)

    def started(self, total: int) -> None:
        if total and self.console.is_terminal:
            self.tasks.append(self.bar.add_task("executing notebooks", total=total))

    def step(self, step: Step) -> None:
        record = step.result.record
        style = "green" if step.result.ok else "bold red"
        line = f"[{style}]{record.outcome}[/] {record.path}  {record.seconds:.1f} s, {record.peak_memory_mb:.0f} MB"
        self.console.print(f"{step.done}/{step.total} {line}", highlight=False, soft_wrap=True)
        for task in self.tasks:
            self.bar.advance(task)


@contextmanager
def reporter() -> Iterator[Reporter]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with bar:
        yield Reporter(console, bar)
