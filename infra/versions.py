"""Every image and tool version this project pins, one a line.

Bump a version here and nowhere else; `make up` then pulls (or rebuilds) what changed.
"""

POSTGRES = "postgres:17.12"
PYTHON = "python:3.12.12-slim-trixie"
PGADMIN = "dpage/pgadmin4:9.18"
HAPROXY = "haproxy:3.0.12"
GRAFANA = "grafana/grafana:12.3.0"
PROMETHEUS = "prom/prometheus:v2.53.5"
POSTGRES_EXPORTER = "prometheuscommunity/postgres-exporter:v0.17.1"
NODE_EXPORTER = "prom/node-exporter:v1.9.1"
