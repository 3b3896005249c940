# What Tessera needs to run and to be tested, from a fresh clone: Python 3.11 or newer and make.

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
# Tests wait for servers about a third of their time, so that two cores have work for three.
WORKERS ?= 3

ifdef PYTHON
PYTHONS := $(PYTHON)
else
PYTHONS := python3 python3.11 python3.12 python3.13 python3.14
endif
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

# Another project's Python settings in the caller's shell are not ours.
unexport PYTHONHOME PYTHONPATH DJANGO_SETTINGS_MODULE
# pip compiles nothing, so that the first start of each module does it for all later ones.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install run test faults lint bench lock

install: $(INSTALLED)

$(INSTALLED): requirements.lock
	@if ! $(BIN)/python -c '$(NEW_ENOUGH)' 2>/dev/null || ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		for python in $(PYTHONS); do \
			if $$python -c '$(NEW_ENOUGH)' 2>/dev/null; then break; fi; \
			python=; \
		done; \
		if [ -z "$$python" ]; then \
			echo "Tessera needs Python 3.11 or newer, and found none as: $(PYTHONS). Name one: make install PYTHON=…" >&2; \
			exit 1; \
		fi; \
		if ! $$python -m venv --clear $(VENV); then \
			echo "$$python cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; \
			exit 1; \
		fi; \
	fi
	@echo "Installing the locked dependencies into $(VENV)"
	@PIP_USER=0 $(BIN)/python -m pip --quiet --disable-pip-version-check install \
		--no-deps --no-compile --require-hashes --requirement requirements.lock
	@touch $@

# One shell that becomes the server, so that a signal to make reaches it.
run: install
	@$(BIN)/python manage.py migrate --no-input --verbosity 0 && \
	$(BIN)/python manage.py demo && \
	exec $(BIN)/python -m gunicorn --config config/gunicorn.conf.py

test: lint
	@$(BIN)/python -m pytest -n $(WORKERS)

# Each outage, and FAULT_ROUNDS crashes; with the figures of each.
faults: install
	@FAULT_ROUNDS=$${FAULT_ROUNDS:-10} $(BIN)/python -m pytest -n 0 -rP --show-capture=stdout -p no:randomly tests/faults \
		tests/ratelimit/store/test_outages.py tests/ratelimit/store/test_failover.py

# Side by side, because mypy alone takes as long as the others together.
lint: install
	@$(MAKE) --no-print-directory --keep-going --jobs=2 $(CHECKS)

CHECKS := check-types check-style check-imports check-migrations check-deployment
.PHONY: $(CHECKS)

check-types:
	@$(BIN)/mypy

check-style:
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --quiet --check

check-imports:
	@$(BIN)/lint-imports --no-logo

check-migrations:
	@DATABASE_URL=sqlite://:memory: REDIS_URL= $(BIN)/python manage.py makemigrations --check --dry-run

check-deployment:
	@DATABASE_URL=sqlite://:memory: REDIS_URL= DEBUG=False BASE_URL=https://tessera.example \
		ALLOWED_HOSTS=tessera.example SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_hex(32))')" \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

bench: install
	@$(BIN)/python -m tests.bench

lock: install
	@$(BIN)/uv pip compile pyproject.toml --group test --universal --python-version 3.11 \
		--no-emit-index-url --generate-hashes --quiet --output-file requirements.lock
