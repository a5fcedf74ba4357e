"""What Grafana opens with: the files by which it gets data sources, dashboards, alert rules."""
