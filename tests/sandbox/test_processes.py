"""What the demo starts it also stops: in order, with everything that those started."""

import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from sandbox.demo import free_port, only_one
from sandbox.processes import Processes, ProcessFailed, StopAsked

# Prints its child's process id; neither ends by itself, and the child ignores SIGTERM.
STUBBORN_FAMILY = """
import signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('deaf', flush=True); time.sleep(60)"], stdout=subprocess.PIPE)
child.stdout.readline()
print("child", child.pid, flush=True)
time.sleep(60)
"""
SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Processes:
    monkeypatch.setattr("sandbox.processes.PATIENCE_SECONDS", 1)
    return Processes({"MARK": "of the test"})


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"


def wait_for_line(capsys: pytest.CaptureFixture[str], start: str) -> str:
    seen = ""
    for _ in range(100):
        seen += capsys.readouterr().out
        for line in seen.splitlines():
            if line.partition("│ ")[2].startswith(start):
                return line
        time.sleep(0.05)
    raise AssertionError(f"No line began with {start}: {seen}")


def test_lines_carry_the_name_of_their_process(
    processes: Processes, capsys: pytest.CaptureFixture[str]
) -> None:
    processes.run(
        "data", [sys.executable, "-c", "import os; print(os.environ['MARK'])"]
    )
    assert capsys.readouterr().out == "   data │ of the test\n"


def test_a_child_that_ignores_sigterm_does_not_survive(
    processes: Processes, capsys: pytest.CaptureFixture[str]
) -> None:
    started = processes.start("family", [sys.executable, "-c", STUBBORN_FAMILY])
    child = int(wait_for_line(capsys, "child").split()[-1])
    assert is_alive(child)
    processes.stop_all()
    assert not is_alive(child)
    assert started.process.returncode == -signal.SIGTERM


def test_the_last_one_started_stops_first(
    processes: Processes, capsys: pytest.CaptureFixture[str]
) -> None:
    processes.start("first", SLEEP)
    processes.start("second", SLEEP)
    wait_for_line(capsys, "up")
    processes.stop_all()
    stops = [
        line for line in capsys.readouterr().out.splitlines() if "stopping" in line
    ]
    assert [line.split()[-1] for line in stops] == ["second", "first"]


def test_a_process_that_fails_is_noticed(processes: Processes) -> None:
    with pytest.raises(ProcessFailed, match="data ended with status 3"):
        processes.run("data", [sys.executable, "-c", "raise SystemExit(3)"])
    processes.stop_all()
    web = processes.start("web", [sys.executable, "-c", "raise SystemExit(3)"])
    web.process.wait(10)
    with pytest.raises(ProcessFailed, match="web ended with status 3"):
        processes.pause(0)
    processes.stop_all()


def test_waiting_ends_when_someone_asks_to_stop(processes: Processes) -> None:
    threading.Timer(0.2, processes.asked_to_stop.set).start()
    began = time.monotonic()
    with pytest.raises(StopAsked):
        processes.run("data", SLEEP)
    assert time.monotonic() - began < 5
    processes.stop_all()


def test_a_taken_port_is_replaced_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        other = free_port("the web", port)
    assert other != port
    assert f"Port {port} is taken; the web is on {other}." in capsys.readouterr().out
    assert free_port("the web", other) == other


def test_two_demos_never_share_a_folder(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(BlockingIOError), only_one(tmp_path):
        raise AssertionError("A second demo began.")
