"""`make bench-image`: processor seconds from a container's start to the notebook's first answer, beside a plain `pip install`.

Both images hold the same packages of images/notebook/requirements.txt; containers of both are started in turns.
"""

from __future__ import annotations

import argparse
import shutil
import statistics

from benches.places import BUILD, image, swarm_here
from benches.spawn import USER_PATH
from benches.swarm import HERE
from lab.scratch import scratch_folder
from tools.graph import ROOT

GOAL = 0.7


def plain_image() -> str:
    """The image with nothing done to the packages, built unless it is there."""
    with scratch_folder(BUILD / "plain-notebook") as folder:
        shutil.copy(HERE / "plain-notebook" / "Dockerfile", folder)
        shutil.copy(ROOT / "images" / "notebook" / "requirements.txt", folder)
        return image(f"./{folder.relative_to(ROOT)}")


def main() -> None:
    """Measure and print medians and their ratio."""
    parser = argparse.ArgumentParser(prog="bench-image", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    plain, ours = plain_image(), image("./images/notebook")
    with swarm_here(plain) as swarm:
        seconds = swarm.call("image", images=[plain, ours], rounds=arguments.rounds, path=USER_PATH)
    print(table(seconds, plain, ours))


def table(seconds: dict[str, list[float]], plain: str, ours: str) -> str:
    """Medians of processor seconds, and whether the goal is met."""
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    lines = [f"{name:60}{median:6.2f} CPU s" for name, median in medians.items()]
    ratio = medians[ours] / medians[plain]
    return "\n".join([*lines, f"ratio {ratio:.2f}, goal {GOAL}: {'met' if ratio <= GOAL else 'missed'}"])


if __name__ == "__main__":
    main()
