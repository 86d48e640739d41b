"""The other end of the benches, inside the swarm's network: starts servers by a hub and by hand, and says how long each took.

Runs in a container of the hub's image, on its packages alone. Arguments: a task and its JSON; prints one line of JSON.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from typing import Any, cast

import docker
import requests

PORT = 8888
LIMIT_S = 900
GOING = ("remove", "shutdown")  # what Swarm wants of a task whose service is gone
RUN = f"{time.time_ns() // 10**9 % 10**6}x"  # in the names of this run's users, who were never here before


class FailedError(Exception):
    """A start that ended otherwise than with a notebook that answers."""


class Hub:
    """One of the hubs. `name` is its service; the user proxy is beside it. `job` has the bench's token and people's password."""

    def __init__(self, name: str, job: dict[str, Any]) -> None:
        self.api, self.proxy, self._password = f"http://{name}:8081/hub/api", f"{name}-userproxy", job["password"]
        self._headers, self._poll_s = {"Authorization": f"token {job['token']}"}, job["poll_s"]

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        answer = requests.request(method, self.api + path, headers=self._headers, timeout=LIMIT_S, **options)
        if answer.status_code >= 400:
            raise FailedError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer

    def spawn(self, user: str) -> float:
        """Seconds from the request for a server to a notebook that answers through the user proxy."""
        began = time.monotonic()
        if self.call("POST", f"/users/{user}/server").status_code == 202:
            with self.call("GET", f"/users/{user}/server/progress", stream=True) as stream:
                follow(stream)
        wait_for_http(self.proxy, 8000, f"/user/{user}/api", self._poll_s)
        return time.monotonic() - began

    def attend(self, user: str) -> float:
        """Seconds from the log-in page to a notebook that answers, by the pages and forms that a browser sends."""
        began, site, browser = time.monotonic(), f"http://{self.proxy}:8000", requests.Session()
        ok(browser.get(f"{site}/hub/login", timeout=LIMIT_S))
        form = {"username": user, "password": self._password, "_xsrf": browser.cookies.get("_xsrf", path="/hub/")}
        # From here a browser is sent on, to the page that starts the server and that which waits for it.
        pending = ok(browser.post(f"{site}/hub/login", data=form, timeout=LIMIT_S))
        if "/hub/spawn-pending/" in pending.url:
            progress = f"{site}/hub/api/users/{user}/server/progress"
            xsrf = {"_xsrf": browser.cookies.get("_xsrf", path="/hub/")}
            headers = {"Referer": pending.url}
            with ok(browser.get(progress, params=xsrf, headers=headers, stream=True, timeout=LIMIT_S)) as stream:
                follow(stream)
        wait_for_http(self.proxy, 8000, f"/user/{user}/api", self._poll_s)
        return time.monotonic() - began

    def stop(self, user: str) -> None:
        self.call("DELETE", f"/users/{user}/server")
        while self.call("GET", f"/users/{user}").json()["servers"]:
            time.sleep(0.2)


def ok(answer: requests.Response) -> requests.Response:
    """The answer, if it is a good one."""
    if answer.status_code != 200:
        raise FailedError(f"{answer.url}: {answer.status_code} {answer.text[:300]}")
    return answer


def follow(stream: requests.Response) -> None:
    """Read what the spawn page reads, to its end."""
    for line in stream.iter_lines(decode_unicode=True):
        event = json.loads(line[5:]) if line.startswith("data:") else {}
        if event.get("failed"):
            raise FailedError(event["message"])
        if event.get("ready"):
            return


def wait_for_http(host: str, port: int, path: str, every_s: float) -> None:
    """Ask until the answer is 200."""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        connection = http.client.HTTPConnection(host, port, timeout=LIMIT_S)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(every_s)
    raise FailedError(f"http://{host}:{port}{path} does not answer")


def docker_client() -> Any:
    """The Docker API of the bench's engine."""
    return docker.APIClient(version="auto")


class Floor:
    """The same server without a hub: a service like that of a user who has one, and nothing else."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._client, self._path, self._poll_s = docker_client(), job["path"], job["poll_s"]
        spec = self._client.inspect_service(job["like"])["Spec"]
        self._template, self._endpoint = spec["TaskTemplate"], spec["EndpointSpec"]

    def spawn(self, name: str, image: str = "") -> float:
        """Seconds from `docker service create` to a notebook that answers; by another image where one is named."""
        began = time.monotonic()
        self._template["ContainerSpec"]["Image"] = image or self._template["ContainerSpec"]["Image"]
        self._client.create_service(self._template, name=name, endpoint_spec=self._endpoint)
        wait_for_http(self._address(name), PORT, self._path, self._poll_s)
        return time.monotonic() - began

    attend = spawn

    def _address(self, name: str) -> str:
        """The address of the service's task: a name that is not there yet may take the resolver seconds to deny."""
        while True:
            for task in self._client.tasks(filters={"service": name}):
                for network in task.get("NetworksAttachments") or ():
                    return str(network["Addresses"][0]).partition("/")[0]
            time.sleep(self._poll_s)

    def stop(self, name: str) -> None:
        self._client.remove_service(name)


def settled() -> None:
    """Wait until no container of a service that was removed is left, on any node."""
    client = docker_client()
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if not any(task["DesiredState"] in GOING and task["Status"]["State"] == "running" for task in client.tasks()):
            return
        time.sleep(0.2)


def one_by_one(job: dict[str, Any]) -> dict[str, list[float]]:
    """Starts and stops servers in turns: by the floor, our hub, the stock one."""
    ways = starters(job)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(job["rounds"]):
        for name, way in ways.items():
            user = f"{name}-{RUN}{number}"
            seconds[name].append(way.spawn(user))
            way.stop(user)
            settled()
            time.sleep(1)
    return seconds


def starters(job: dict[str, Any]) -> dict[str, Hub | Floor]:
    """The ways to start a server that are compared, with the users that the hubs need."""
    ways: dict[str, Hub | Floor] = {"floor": Floor(job)}
    for name in ("ours", "stock"):
        hub = ways[name] = Hub(name, job)
        hub.call("POST", "/users", json={"usernames": [f"{name}-{RUN}{number}" for number in range(job["rounds"])]})
    return ways


def classroom(job: dict[str, Any]) -> dict[str, Any]:
    """`rounds` people who log in within `within` seconds, at one hub or the floor; how long each waited, and what went wrong."""
    way = Floor(job) if job["way"] == "floor" else Hub(job["way"], job)
    names = [f"{job['way']}-{RUN}{number}" for number in range(job["rounds"])]
    seconds: dict[str, float] = {}
    failures: list[str] = []

    def person(number: int) -> None:
        time.sleep(number * job["within"] / job["rounds"])
        try:
            seconds[names[number]] = way.attend(names[number])
        except (FailedError, requests.RequestException, docker.errors.APIError) as error:
            failures.append(f"{names[number]}: {error}")

    at_once(person, range(len(names)))
    at_once(way.stop, [name for name in names if name in seconds])
    settled()
    return {"seconds": list(seconds.values()), "failures": failures}


def at_once(work: Any, items: Any) -> None:
    """Do the work for all items side by side."""
    threads = [threading.Thread(target=work, args=(item,)) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def image(job: dict[str, Any]) -> dict[str, list[float]]:
    """Processor seconds from the start of a container to its first answer, for each of the images, in turns."""
    floor = Floor(job)
    seconds: dict[str, list[float]] = {reference: [] for reference in job["images"]}
    for number in range(job["rounds"]):
        for reference, used in seconds.items():
            name = f"floor-{RUN}{number}"
            floor.spawn(name, reference)
            used.append(usage({"service": name})["cpu_s"])
            floor.stop(name)
            settled()
    return seconds


def usage(job: dict[str, Any]) -> dict[str, float]:
    """What the container of a service on this node has used until now: seconds of processor time, and bytes that its
    processes hold (without files that the kernel caches)."""
    client = docker_client()
    (container,) = client.containers(filters={"name": rf"^/{job['service']}\.1\."})
    stats = client.stats(container["Id"], stream=False, one_shot=True)
    kept = stats["memory_stats"]["stats"]
    memory = kept["anon"] if "anon" in kept else kept["rss"]  # cgroups of version 2, or 1
    return {"cpu_s": stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9, "memory": memory}


def model(job: dict[str, Any]) -> dict[str, float]:
    """Start the server that the floor's are modelled on, once the hubs answer."""
    hubs = [Hub(name, job) for name in ("ours", "stock")]
    for hub in hubs:
        host = hub.api.split("/")[2].partition(":")[0]
        wait_for_http(host, 8081, "/hub/health", job["poll_s"])
        wait_for_http(hub.proxy, 8000, "/hub/health", job["poll_s"])
    hubs[0].call("POST", "/users/model")
    return {"seconds": hubs[0].spawn("model")}


if __name__ == "__main__":
    tasks = {"one_by_one": one_by_one, "classroom": classroom, "image": image, "usage": usage, "model": model}
    print(json.dumps(cast(Any, tasks[sys.argv[1]])(json.loads(sys.argv[2]))))
