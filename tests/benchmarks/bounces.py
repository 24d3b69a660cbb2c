"""How fast bounces are read, as JSON Lines: CPU seconds for 1,000 of them, by the code of this checkout.

    python tests/benchmarks/bounces.py                      the samples in tests/data/bounces, again and again
    python tests/benchmarks/bounces.py --folder FOLDER      mails of your own, *.eml
    python tests/benchmarks/bounces.py --against ../before  that of another checkout, too: both in turn, and the ratio

Each round is a process of its own, which has read every mail once before its time is taken: the lists of phrases are
compiled then.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "data" / "bounces"
READING = """
import sys, time
from pathlib import Path
from newsletter.bounces import read_mail
mails = [path.read_bytes() for path in sorted(Path(sys.argv[1]).glob("*.eml"))]
many = int(sys.argv[2])
for mail in mails:
    read_mail(mail)
begin = time.process_time()
for number in range(many):
    read_mail(b"X-Number: %d\\n" % number + mails[number % len(mails)])
print(time.process_time() - begin)
"""


def seconds(root: Path, folder: Path, many: int) -> float:
    """Read so many mails with the code of a checkout; return the CPU seconds."""
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", READING, str(folder), str(many)]
    return float(subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=SAMPLES, help="mails to read [tests/data/bounces]")
    parser.add_argument("--mails", type=int, default=1_000, help="how many are read in a round [1000]")
    parser.add_argument("--rounds", type=int, default=5, help="how often; the median is told [5]")
    parser.add_argument("--against", type=Path, help="another checkout, measured in turn with this one")
    asked = parser.parse_args()
    if not any(asked.folder.glob("*.eml")):
        parser.error(f"no *.eml in {asked.folder}")
    roots = [ROOT] + ([asked.against.resolve()] if asked.against else [])
    taken: list[list[float]] = [[] for _ in roots]
    for _ in range(asked.rounds):
        for root, times in zip(roots, taken, strict=True):
            times.append(seconds(root, asked.folder.resolve(), asked.mails))
    for root, times in zip(roots, taken, strict=True):
        told = {"checkout": root.name, "mails": asked.mails, "cpu_seconds": round(statistics.median(times), 3)}
        print(json.dumps(told))
    if asked.against:
        ratios = [ours / theirs for ours, theirs in zip(*taken, strict=True)]
        print(json.dumps({"ratio": round(statistics.median(ratios), 3)}))


if __name__ == "__main__":
    main()
