"""The dashboards, a module each: its uid, and `build`, which returns its JSON."""
