"""Resolve requirements.in into requirements.txt for all supported platforms: `make lock`.

uv resolves; two things of its answer are edited. The marker that only repeats the list of supported platforms is
dropped from every line, so that an unsupported machine gets pip's error instead of an empty installation. The CUDA
packages of PyTorch are dropped: PyTorch's own metadata asks for them where its CUDA build is installed, and a
machine with the CPU build does not want them.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CUDA = re.compile(r"^(nvidia-|cuda-|triton==)")
HEADER = "# Made by `make lock` from requirements.in. Edit that file, not this one.\n"


def resolve(*options: str) -> list[str]:
    command = ["uv", "pip", "compile", "--universal", "--python-version", "3.11.5", "--fork-strategy", "fewest"]
    command += ["--no-header", "--no-annotate", "--quiet", "requirements.in", *options]
    # A wheel that lies on this machine only must not decide what others install.
    environment = {k: v for k, v in os.environ.items() if k not in ("PIP_FIND_LINKS", "UV_FIND_LINKS")}
    return subprocess.run(
        command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    ).stdout.splitlines()


def simplify(lines: list[str]) -> list[str]:
    """Drop the marker that most lines share, and PyTorch's CUDA packages."""
    markers = Counter(line.partition(" ; ")[2] for line in lines)
    common = markers.most_common(1)[0][0]
    kept = (line.removesuffix(f" ; {common}") if common else line for line in lines)
    return [line for line in kept if not CUDA.match(line)]


if __name__ == "__main__":
    text = HEADER + "\n".join(simplify(resolve())) + "\n"
    (ROOT / "requirements.txt").write_text(text, encoding="utf-8")
