"""What the bench of the front door reads from wrk, and what it makes of it."""

from __future__ import annotations

import pytest

from benches.door import COMPARED, WAYS, Figures, figures_of, table

REPORT = """Running 4s test @ http://door:80/user/ada/static/logo/logo.png
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     8.13ms    3.27ms  60.52ms   87.21%
  Latency Distribution
     50%  500.00us
     75%    9.10ms
     99%    1.50s
  8000 requests in 4.00s, 48.00MB read
Requests/sec:   1999.50
Transfer/sec:     12.00MB
"""


def test_rates_and_latencies_are_read_in_their_units() -> None:
    assert figures_of(REPORT) == Figures(rate=1999.5, p50=0.5, p99=1500.0)


@pytest.mark.parametrize("line", ["  Non-2xx or 3xx responses: 3", "  Socket errors: connect 0, read 2, write 0, timeout 1"])
def test_a_run_with_failed_requests_does_not_count(line: str) -> None:
    with pytest.raises(ValueError, match="not all requests were answered"):
        figures_of(REPORT + line + "\n")


def test_ratios_are_of_runs_of_the_same_round() -> None:
    slow, fast = Figures(rate=100, p50=10, p99=50), Figures(rate=200, p50=5, p99=25)
    # The machine is half as fast in the second round, for all ways alike.
    rounds = [slow, Figures(rate=50, p50=20, p99=100)], [fast, Figures(rate=100, p50=10, p99=50)]
    text = table({way: (rounds[1] if way.startswith("our NGINX") else rounds[0]) for way in WAYS})
    assert text.count("requests/s x2.00, p50 x0.50, p99 x0.50") == len(COMPARED)
