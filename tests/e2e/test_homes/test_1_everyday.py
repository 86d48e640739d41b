"""People see only their own files and what all share. (Suite `core` shows that a home comes along to another worker.)"""

from __future__ import annotations

from tests.e2e.deployment import Deployment
from tests.e2e.homes import LIMIT, MEASURE, RUN, Person, log, set_quota


def test_nothing_of_another_home_can_be_seen(deployment: Deployment, ada: Person, ben: Person) -> None:
    victim, kernel = ada.user, ben.kernel
    assert ada.kernel.run("open('private.txt', 'w').write('secret of the victim')").error == ""
    server = next(row["address"] for row in deployment.stack.outputs()["nodes"] if row["role"] == "manager")
    tricks = f"""
import ctypes, os, subprocess
seen = []
def look(path):
    try:
        seen.append((path, sorted(os.listdir(path))))
    except OSError as error:
        seen.append((path, type(error).__name__))
for path in ("/home", "/home/jovyan/..", "/srv/homes", "/srv/homes/users", "/home/jovyan/../../srv/homes/users/{victim.name}",
             "/proc/1/root/srv/homes", "/proc/1/cwd/..", "/mnt"):
    look(path)
os.makedirs("links", exist_ok=True)
for number, target in enumerate(("../{victim.name}", "../../users/{victim.name}", "/srv/homes/users/{victim.name}", "../..")):
    link = f"links/{{number}}"
    if os.path.islink(link): os.unlink(link)
    os.symlink(target, link)
    look(link)
libc = ctypes.CDLL(None, use_errno=True)
mounted = libc.mount(b":/srv/homes", b"/tmp", b"nfs", 0, b"addr={server},nfsvers=4.2")
reason = os.strerror(ctypes.get_errno())
mounts = open("/proc/mounts").read()
found = subprocess.run("find / -xdev -name private.txt 2>/dev/null; find /home /srv /mnt /media -name private.txt 2>/dev/null",
                       shell=True, capture_output=True, text=True).stdout
"""
    assert kernel.run(tricks, limit_s=LIMIT).error == ""
    assert kernel.value("found") == "''"
    assert kernel.value("(mounted, reason)") == repr((-1, "Operation not permitted"))
    assert victim.name not in kernel.value("mounts")
    assert "private.txt" not in kernel.value("seen")
    assert kernel.value("dict(seen)['/home']") == repr(["jovyan"])


def test_the_shared_folder_is_read_by_all_and_written_by_admins(deployment: Deployment, ada: Person) -> None:
    kernel = ada.kernel
    admin = deployment.sign_in("admin")
    admin.start()
    admins = admin.open_kernel()
    assert admins.run(f"open('shared/{RUN}.txt', 'w').write('for all')").error == ""
    assert kernel.value(f"open('shared/{RUN}.txt').read()") == repr("for all")
    assert "Read-only file system" in kernel.run("open('shared/mine.txt', 'w')").error
    assert admins.run(f"import os; os.unlink('shared/{RUN}.txt')").error == ""
    admins.close()
    admin.stop()


def test_nfs_against_the_servers_own_disk(deployment: Deployment, ada: Person) -> None:
    set_quota(deployment, "500M")
    kernel = ada.kernel
    assert kernel.run(MEASURE, limit_s=LIMIT).error == ""
    nfs = [float(kernel.value(name)) for name in ("large", "small")]
    code = f"import os; os.chdir('/srv/homes/hub')\n{MEASURE}\nprint(large, small)"
    local = [float(word) for word in deployment.manager.run("sudo", "python3", "-c", code, limit_s=LIMIT).split()]
    for what, remote, own in zip(("256 MB in one file", "2,000 small files"), nfs, local, strict=True):
        log.info("%s: notebook %.1f s, storage node %.1f s, ratio %.1f", what, remote, own, remote / own)
    assert nfs[0] / local[0] < 10
    assert nfs[1] / local[1] < 200
