"""What Grafana opens with: data sources, dashboards and alert rules, as files of its provisioning."""
