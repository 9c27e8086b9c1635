"""Wall time, CPU time and memory of a whole process, or of one that goes on."""
import ctypes
import os
import pathlib
import subprocess
import time
from dataclasses import dataclass

PR_SET_CHILD_SUBREAPER = 36
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Measured:
    seconds: float
    cpu_s: float
    peak_mb: float
    output: str


def adopt_orphans():
    """So that the JVM that PySpark leaves to end alone is waited for, and its CPU counted."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def whole_process(command, env):
    """From start to exit; CPU of all its descendants, memory of the largest of them. There must be no
    other child."""
    start = time.monotonic()
    process = subprocess.Popen(command, env=env, text=True, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, errors = "", ""
    with process.stdout, process.stderr:
        output, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}\n{output}{errors}")
    usages = [usage]
    while True:
        try:
            usages.append(os.wait4(-1, 0)[2])
        except ChildProcessError:
            break
    return Measured(seconds, sum(u.ru_utime + u.ru_stime for u in usages),
                    max(u.ru_maxrss for u in usages) / 1024, output)


def tree(pid):
    """A process and its descendants."""
    yield pid
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            children = pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # a thread that ended meanwhile
        for child in children.split():
            yield from tree(int(child))


def cpu_of(pid):
    total = 0
    for each in tree(pid):
        fields = pathlib.Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def memory_of(pid, what):
    """MB of `VmRSS` or `VmHWM` of a process tree."""
    total = 0
    for each in tree(pid):
        for line in pathlib.Path(f"/proc/{each}/status").read_text().splitlines():
            if line.startswith(what + ":"):
                total += int(line.split()[1])
    return total / 1024
