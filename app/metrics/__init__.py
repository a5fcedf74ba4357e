"""What Prometheus reads of this process: names, labels and units stand in app/README.md.

No label ever holds what a client or a source has chosen: neither a token, an id nor a path.
"""

from prometheus_client import disable_created_metrics

# A second series for each counter and histogram, that nothing here asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]
