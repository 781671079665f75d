"""Processes of the target that start in milliseconds: forked from one that has imported everything."""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from target_serpi.target import TargetSerpi


class QuickTarget:
    """Starts targets that read a file and append their states to another."""

    def __init__(self, config: Path, stdin: Path, stdout: Path) -> None:
        self._arguments = (str(config), str(stdin), str(stdout))
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        # By its installed name: the folder of the tests is not on that process's path.
        self._context.set_forkserver_preload(["target_serpi.target", "target_serpi.html_report"])
        self.log = Path(f"{stdout}.log")

    def start(self) -> BaseProcess:
        """Start one."""
        process = self._context.Process(target=be_target, args=self._arguments)
        process.start()
        return process


def be_target(config: str, stdin: str, stdout: str) -> None:
    """Be a process of the target, with its log beside its standard output."""
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    files = ((stdin, os.O_RDONLY), (stdout, append), (f"{stdout}.log", append))
    for number, (path, flags) in enumerate(files):
        os.dup2(os.open(path, flags, 0o600), number)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(number, mode, encoding="utf-8", closefd=False)
        for number, mode in enumerate(("r", "w", "w"))
    )
    sys.argv = ["target-serpi", "--config", config]
    TargetSerpi.cli()
