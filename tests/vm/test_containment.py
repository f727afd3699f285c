"""What a worker that hangs or floods can do to others, and what no process of ours can do at all: on a real kernel."""

import json
import time

import pytest

from simulators.faults import UsbFaults
from simulators.hands import film
from tests.vm.machine import Machine
from tests.vm.post import Post

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1500)]
CLIP = "DCIM/100MEDIA/CLIP0001.MP4"
MIB = 1 << 20
WITHIN_S = 180.0
REPLACED_S = 220.0  # WatchdogSec=180, TimeoutStopSec=5 and RestartSec=1 of the unit, and a slow guest
TRIES = """
import json, os, socket, threading, time
def tried(act):
    try:
        act()
    except OSError as error:
        return error.errno
    return 0
def connect():
    socket.create_connection(("127.0.0.1", 22), 5).close()
found = {name: tried(lambda: open(name, mode).close()) for name, mode in (
    ("/dev/vda", "rb"), ("/dev/mem", "rb"), ("/dev/uinput", "wb"), ("/etc/edged-was-here", "w"),
    ("/usr/edged-was-here", "w"), ("/var/lib/dpkg/edged-was-here", "w"), ("/etc/shadow", "r"))}
found["connect"] = tried(connect)
found["setuid"] = tried(lambda: os.setuid(0))
sibling = os.fork()  # of one user, as the other slots' workers are
if not sibling:
    time.sleep(60)
    os._exit(0)
found["kill everybody"] = tried(lambda: os.kill(-1, 0))
found["kill a sibling"] = tried(lambda: os.kill(sibling, 0))
print("PROBE", json.dumps(found), flush=True)
print("THREADS", flush=True)
over, started = threading.Event(), 0
try:
    while started < 100:
        threading.Thread(target=over.wait, daemon=True).start()
        started += 1
except RuntimeError:
    pass
over.set()
print("STARTED", started, flush=True)
hoard = []
while True:
    hoard.append(os.urandom(1 << 20) * 16)
"""  # what a process would try if somebody else ran in it; it ends by the limit of its memory
LOOP = """
import os, socket
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
    told.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
while True:
    pass
"""
FLOOD = """
import socket
line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
line.connect("/run/edged-core/core.sock")
sent = 0
try:
    while sent < 200 << 20:
        sent += line.send(b"\\xff" * (1 << 20))
except OSError as error:
    print("cut off", error.errno, flush=True)
print("sent", sent, flush=True)
"""


def test_a_worker_that_hangs_in_mid_read_is_replaced_and_the_others_notice_nothing(post: Post) -> None:
    post.cameras.msc("BWC-6", {CLIP: film(1, 16 * MIB)})
    post.cameras.change("BWC-6", faults=UsbFaults(bytes_per_s=MIB))
    post.cameras.gat947("K000002", {CLIP: film(3, 2 * MIB)})
    post.insert("BWC-6", 1)
    post.station.until(post.station.logged("offload.started"), "the offload has begun")
    before = post.machine.run("systemctl show -P MainPID edged-slot@1").strip()
    stopped_s = uptime_s(post.machine)
    post.machine.run("systemctl kill -s STOP edged-slot@1")
    post.insert("K000002", 2)
    post.station.until(post.station.cleared(1), "the other camera was brought in meanwhile")
    post.station.until(
        f"pid=$(systemctl show -P MainPID edged-slot@1); test $pid -gt 1 -a $pid != {before}",
        "the worker is replaced",
    )
    assert started_s(post.machine, "edged-slot@1") - stopped_s < REPLACED_S
    post.station.until(post.station.cleared(2), "its camera is brought in after all")


def uptime_s(machine: Machine) -> float:
    """The guest's own time: the host's goes on while the guest is slow."""
    return float(machine.run("cat /proc/uptime").split()[0])


def started_s(machine: Machine, unit: str) -> float:
    return int(machine.run(f"systemctl show -P ExecMainStartTimestampMonotonic {unit}")) / 1e6


def test_what_is_still_plugged_in_when_its_worker_is_stopped_gets_another(post: Post) -> None:
    post.cameras.msc("BWC-6", {CLIP: film(1, MIB)})
    post.insert("BWC-6", 1)
    post.station.until(post.station.cleared(1), "it is brought in")
    before = post.machine.run("systemctl show -P MainPID edged-slot@1").strip()
    post.machine.run("systemctl stop edged-slot@1", timeout_s=120, check=False)  # cancelled by the new start
    post.station.until(
        f"pid=$(systemctl show -P MainPID edged-slot@1); test $pid -gt 1 -a $pid != {before}",
        "it has another worker",
    )
    assert "not been booted" not in post.machine.run("journalctl -b -u edged-slot@1 -o cat --no-pager")


WITHOUT_WATCHDOG = "Type=exec\nRestart=no\nWatchdogSec=0\n"


def instead(machine: Machine, unit: str, program: str, words: str = WITHOUT_WATCHDOG) -> str:
    """Let a unit, with all its settings but these words, run this program; return the drop-in's path."""
    path = "/usr/local/lib/edged-instead.py"
    machine.put(path, program.encode())
    words = f"[Service]\n{words}ExecStart=\nExecStart=/usr/bin/python3 {path}\n"
    folder = f"/etc/systemd/system/{unit}.service.d"  # of this slot's unit alone
    machine.run(f"mkdir -p {folder}")
    machine.put(f"{folder}/instead.conf", words.encode())
    machine.run("systemctl daemon-reload")
    return f"{folder}/instead.conf"


def test_a_worker_in_an_endless_loop_is_ended_by_its_watchdog(post: Post) -> None:
    """It says that it is ready, as a worker does, and nothing ever again; another slot goes on meanwhile."""
    machine = post.machine
    drop_in = instead(machine, "edged-slot@2", LOOP, "")
    post.cameras.gat947("K000002", {CLIP: film(3, MIB)})
    post.insert("K000002", 2)
    machine.until("systemctl is-active -q edged-slot@2", within_s=WITHIN_S)
    before, began_s = machine.run("systemctl show -P MainPID edged-slot@2").strip(), uptime_s(machine)
    post.cameras.gat947("K000001", {CLIP: film(1, MIB)})
    post.insert("K000001", 1)
    post.station.until(post.station.cleared(1), "the other camera was brought in meanwhile")
    post.station.until(
        f"pid=$(systemctl show -P MainPID edged-slot@2); test $pid -gt 1 -a $pid != {before}", "it is ended"
    )
    assert started_s(machine, "edged-slot@2") - began_s < REPLACED_S
    assert "atchdog timeout" in machine.run("journalctl -b -u edged-slot@2 -o cat --no-pager")
    machine.run(f"rm {drop_in}; systemctl daemon-reload; systemctl restart edged-slot@2", timeout_s=120)
    post.station.until(post.station.cleared(2), "its slot works as ever")


def test_a_flood_from_a_worker_ends_its_own_connection_only(post: Post) -> None:
    machine = post.machine
    restarts = machine.run("systemctl show -P NRestarts edged")
    drop_in = instead(machine, "edged-slot@2", FLOOD)
    post.cameras.gat947("K000002", {CLIP: film(3, MIB)})
    post.insert("K000002", 2)
    machine.until("journalctl -b -u edged-slot@2 -o cat | grep -q '^cut off'", within_s=WITHIN_S)
    assert int(machine.run("systemctl show -P MemoryCurrent edged")) < 512 * MIB
    machine.run(f"rm {drop_in}; systemctl daemon-reload; systemctl restart edged-slot@2", timeout_s=120)
    post.station.until(post.station.cleared(1), "the slot that was flooded works as ever")
    assert machine.run("systemctl show -P NRestarts edged") == restarts


@pytest.mark.parametrize(
    ("unit", "tasks"), [pytest.param("edged-slot@1", 8, marks=pytest.mark.sample), ("edged-sync", 64)]
)
def test_what_a_process_must_not_do_the_kernel_does_not_let_it(post: Post, unit: str, tasks: int) -> None:
    """The unit itself, with all its settings, runs a program that tries."""
    machine = post.machine
    machine.run(f"systemctl stop {unit}")
    instead(machine, unit, TRIES)
    if "@" in unit:
        post.cameras.gat947("K000001", {CLIP: film(1, MIB)})
        post.insert("K000001", 1)
    else:
        machine.run(f"systemctl start {unit}")
    machine.until(f"journalctl -b -u {unit} -o cat | grep -q 'oom-kill'", within_s=WITHIN_S)
    said = machine.run(f"journalctl -b -u {unit} -o cat --no-pager")
    found = json.loads(said[said.index("PROBE ") + 6 :].splitlines()[0])
    allowed = {name for name, errno in found.items() if errno == 0}
    # The courier is alone with its user: whom it may signal is a part of itself.
    own = {"connect", "kill everybody", "kill a sibling"}
    assert allowed == (own if unit == "edged-sync" else set()), found
    started = int(said[said.index("STARTED ") + 8 :].split()[0])
    assert started < tasks, started


def test_a_worker_has_its_deadline_whatever_the_clock_says(post: Post) -> None:
    """The host's time jumps by a day in mid-read: nothing is ended for that."""
    post.cameras.msc("BWC-6", {CLIP: film(1, 8 * MIB)})
    post.cameras.change("BWC-6", faults=UsbFaults(bytes_per_s=MIB))
    post.insert("BWC-6", 1)
    post.station.until(post.station.logged("offload.started"), "the offload has begun")
    post.machine.run(f"date -s @{int(time.time()) + 86_400}")
    post.station.until(post.station.cleared(1), "it is brought in")
    assert post.machine.run("systemctl show -P NRestarts edged-slot@1").strip() == "0"
