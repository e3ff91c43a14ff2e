# `make demo` and `make test` are everything a newcomer needs; each makes what it lacks.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check bench fuzz lock clean system docs

demo: $(VENV)/ready
	$(BIN)/ztpd lab demo --config config --report build/demo/report.json

test: $(VENV)/ready system
	$(BIN)/pytest -n 4 --dist worksteal

# Every decoder with at least 200,000 examples in all, none over 100 ms of the processor; the domain's rules decode nothing.
fuzz: $(VENV)/ready
	HYPOTHESIS_PROFILE=fuzz $(BIN)/pytest -n 2 --dist worksteal tests/property \
		--ignore-glob='*/test_domain_*' --ignore=tests/property/test_schedule.py --ignore=tests/property/test_nearness.py

check: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/ready system
	$(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY))

# The virtual environment is made again whenever the lock changes; every file is held to its hash.
$(VENV)/ready: requirements.lock setup.cfg
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "ztpd needs Python 3.11 or newer"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || sh tests/system-packages.sh python3-venv
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

# What the tests use of the system; without root it says what is missing, and the tests that need it skip.
system:
	@sh tests/system-packages.sh postgresql libyang2-tools iproute2 tcpdump libpcap0.8 snmp mosquitto dnsmasq-base \
		busybox isc-dhcp-relay dhcpoptinj iptables nftables procps kea-dhcp4-server kea-admin

# Diagrams are drawn from the tables, schemas from the models; a test fails when they are not up to date.
docs: $(VENV)/ready
	$(BIN)/python -m tests.unit.domain.test_lifecycle
	$(BIN)/python -m tests.unit.discovery.test_mqtt_announcement
	$(BIN)/python -m tests.unit.acs.test_acs_intents

# For whoever changes a dependency: the newest versions that fit, with their hashes.
lock:
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile setup.cfg --extra test --generate-hashes --python-version 3.11 --universal --no-header --upgrade -o requirements.lock

clean:
	rm -rf build $(VENV) *.egg-info
