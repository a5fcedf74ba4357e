"""Dumps of the hub's database: how they are made, named, checked, kept and scheduled.

`make backup` and `make restore` use it on the host, the service `backup` in its container. It
imports nothing of the rest of the project.
"""
