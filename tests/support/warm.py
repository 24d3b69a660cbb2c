"""Compile what the selector has for numba, once for all processes that run tests; the compiler's work is kept."""

from newsletter.selector import prepare, rank, select
from newsletter.testing import make_entry, make_profile


def main() -> None:
    rank.SMALL = 0
    select(prepare([make_entry(f"paper-{place}") for place in range(8)]), [make_profile("video diffusion")])


if __name__ == "__main__":
    main()
