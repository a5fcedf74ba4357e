# The two commands are `make up` and `make test`; `make help` lists the rest.
# Recipes are thin on purpose: what they do stands in toolchain/.

# The first Python that is new enough; `make PYTHON=...` to choose another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
ENV = { test -f .hub/env || { echo "error: this clone is not set up yet" >&2; \
	echo "to mend it: make up" >&2; exit 1; }; } && . .hub/env
HUB = $(ENV) && python -m toolchain.hub

# STACK=name works on another stack than the one that is selected.
export STACK
# Through the environment, so that a name with blanks or quotes stays one.
export FILE FORCE RAW

.DEFAULT_GOAL := help
.PHONY: help setup up down status logs psql open backup restore recover images test test-faults lint bench

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## find or install the engine, Pulumi and the Python packages
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer on PATH" >&2; \
	  echo "to mend it: apt-get install python3 python3-venv   (Debian 12 and newer), or make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -m toolchain setup

up: setup ## deploy the stack and print its URLs
	@$(HUB) up

down: setup ## destroy the stack: containers, network, volumes (unless protectData)
	@$(HUB) down

status: ## what runs, and how it is
	@$(HUB) status

logs: ## follow all logs; ROLE=backend for one of them, RAW=1 as they were written
# The trap: a shell that Ctrl-C kills is an error that make reports.
	@trap : INT; $(HUB) logs $(ROLE)

psql: ## a prompt on the database, as its owner
	@$(HUB) psql

open: ## show all URLs with logins and passwords, and open the front door in the desktop's browser
	@$(HUB) open

backup: ## write a dump of the database into backupDir
	@$(HUB) backup

restore: setup ## put a dump in the database's place: FILE=... (FORCE=1 takes one without a checksum)
	@$(HUB) restore "$$FILE" "$$FORCE"

recover: setup ## after a lost passphrase or state: forget the stack but keep its data; then `make up`
	@$(HUB) recover

images: setup
	@$(HUB) images

test: setup ## lint, types and every test, on a real engine; TESTS=tests/app for some
	@$(HUB) test-tools
	@$(MAKE) --no-print-directory lint
	@$(ENV) && export IMAGE_SOURCE="$${IMAGE_SOURCE:-$$(pulumi config get ontology-hub:imageSource)}" && python -m pytest $(TESTS)

test-faults: images ## kill pulumi (KILLS=8, KILLS=all, SEED=n), an engine, a machine; update an older release's stack
	@$(ENV) && export IMAGE_SOURCE="$${IMAGE_SOURCE:-$$(pulumi config get ontology-hub:imageSource)}" && python -m pytest -s tests/faults

lint: setup ## ruff and mypy
	@$(ENV) && ruff check . toolchain/host/pulumi-language-python && ruff format --check . && mypy

bench: images ## measure the stack beside docker compose, and the API beside a bare handler
	@$(ENV) && python -m bench && python -m bench.api
