"""Put the guest image into glance. Run by the lab from outside, with `docker exec`.

    image.py have CONTENT            exit status 0 if the image with this content is the one in use, else 1
    image.py put CONTENT PART        store standard input as a part: kernel, initrd or disk; no harm if it is there
    image.py use CONTENT CMDLINE     give the parts with this content the image's name, and put the older ones aside

CONTENT is a short text that changes with the image. An older image keeps serving the machines that were made from it, hidden and
under another name, and is deleted once there are none. CMDLINE is the kernel's.
"""

import json
import subprocess
import sys

import openstack
from basics import connection

NAME = "debian-13"
FORMATS = {"kernel": "aki", "initrd": "ari", "disk": "qcow2"}
DEVICES = {"hw_disk_bus": "virtio", "hw_vif_model": "virtio", "hw_rng_model": "virtio"}

Cloud = openstack.connection.Connection
Image = openstack.image.v2.image.Image


def images(cloud: Cloud) -> list[Image]:
    """All images that this program has made."""
    found = [*cloud.image.images(), *cloud.image.images(is_hidden=True)]
    return [image for image in found if "lab_content" in image.properties]


def part(cloud: Cloud, content: str, name: str) -> Image | None:
    """A part that is completely there."""
    for image in images(cloud):
        if image.properties["lab_content"] == content and image.properties["lab_part"] == name and image.status == "active":
            return image
    return None


def have(cloud: Cloud, content: str) -> bool:
    """Whether the image in use has this content."""
    disk = part(cloud, content, "disk")
    return disk is not None and disk.name == NAME


def put(cloud: Cloud, content: str, name: str) -> None:
    """Store standard input as a part; half a part from an interrupted run goes first."""
    if part(cloud, content, name):
        return
    for image in images(cloud):
        if image.status != "active":
            cloud.image.delete_image(image)
    kind = FORMATS[name]
    image = cloud.image.create_image(
        name=f"{NAME}-{name}-{content}", visibility="public", disk_format=kind,
        container_format=kind if kind in ("aki", "ari") else "bare", lab_content=content, lab_part=name,
    )  # fmt: skip
    headers = {"Content-Type": "application/octet-stream"}
    # Large blocks by hand: a file given as it is would be sent line by line.
    blocks = iter(lambda: sys.stdin.buffer.read(1 << 20), b"")
    answer = cloud.image.put(f"/images/{image.id}/file", data=blocks, headers=headers)
    if answer.status_code != 204:
        raise SystemExit(f"image.py: glance answered {answer.status_code} to {name} of {content}: {answer.text[:300]}")


def use(cloud: Cloud, content: str, cmdline: str) -> None:
    """Make the parts with this content the image that new machines are made from."""
    parts = {name: part(cloud, content, name) for name in FORMATS}
    if missing := [name for name, image in parts.items() if image is None]:
        raise SystemExit(f"image.py: {content} has no {', '.join(missing)} yet")
    others = [image for image in images(cloud) if image.properties["lab_content"] != content]
    for image in others:
        if image.name == NAME:
            cloud.image.update_image(image, name=f"{NAME}-old-{image.properties['lab_content']}", is_hidden=True)
    disk = parts["disk"]
    info = subprocess.run(["qemu-img", "info", "--output=json", f"/srv/lab/images/{disk.id}"], capture_output=True, check=True)
    cloud.image.update_image(
        disk, name=NAME, min_disk=-(-json.loads(info.stdout)["virtual-size"] // 2**30), min_ram=512,
        kernel_id=parts["kernel"].id, ramdisk_id=parts["initrd"].id, os_command_line=cmdline, **DEVICES,
    )  # fmt: skip
    remove_unused(cloud, others)
    cache(cloud, disk)


def remove_unused(cloud: Cloud, others: list[Image]) -> None:
    """Delete older parts that no machine was made from. (A machine needs its kernel again when it is rebooted.)"""
    used = {server.image.id for server in cloud.compute.servers(all_projects=True) if server.image}
    kept = {image.properties["lab_content"] for image in others if image.id in used}
    for image in others:
        if image.properties["lab_content"] not in kept:
            cloud.image.delete_image(image)


def cache(cloud: Cloud, disk: Image) -> None:
    """Have nova fetch the disk now, so that the first machines need not wait for it."""
    aggregate = next((each for each in cloud.compute.aggregates() if each.name == "lab"), None)
    if not aggregate:
        aggregate = cloud.compute.create_aggregate(name="lab")
        cloud.compute.add_host_to_aggregate(aggregate, "lab")
    cloud.compute.aggregate_precache_images(aggregate, [disk.id])


def main() -> int:
    """Read the command line."""
    match sys.argv[1:]:
        case ["have", content]:
            return 0 if have(connection(), content) else 1
        case ["put", content, name] if name in FORMATS:
            put(connection(), content, name)
        case ["use", content, cmdline]:
            use(connection(), content, cmdline)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
