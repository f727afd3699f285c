# make demo   the whole main job, played before your eyes
# make test   everything that is checked (what CI runs)
# make check  its fast part
# make week   a week of a post in virtual time: its journals, reports and bundles, written to docs/examples/week
# make bench  the measurements
# make simulate   histories of a station under every kind of bad luck: SEEDS=n, SEED=n again with its trace, HOURS=n
# make exhaustive one small story cut at every moment of host and centre, and again in the recovery: PAIRS=n or all
# make mutants    wrong variants of what keeps evidence, each played with the history that kills it: ID=name
# make faults which faults of the catalogue are proved by a test, which are not and why; takes the defence out of
#             some and runs their tests, which must fail (SAMPLE=20 or all, SEED=n, ROW=U01)
# make clauses which clauses of the law are proved, by which code and tests: ALL=1 takes each defence out
# make vm     the package on a bare Debian with a real kernel, systemd and udev, in a virtual machine: SUITE=bookworm or trixie,
#             SAMPLE=1 in ten minutes
# make vm-full  the same with every hostile device, thirty power cuts, the disk as it was at each flush, the next Debian
# make deb    the Debian package for one release, into build/: SUITE=bookworm or trixie
# make fuzz   every decoder of foreign bytes with inputs guided by coverage: MINUTES=5 for all together, TARGET=name
PY := .venv/bin/python
VM := $(PY) -m pytest -n 2 --dist loadscope --randomly-dont-reorganize

.PHONY: simulate mutants demo test check bench setup lint docs faults

setup:
	@./setup.sh

demo: setup
	@$(PY) -m demo

.PHONY: week
week: setup
	@$(PY) -m demo.week

lint: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

check: lint
	$(PY) -m pytest -n 2 -m "not slow"

# First a sample in a container and in virtual machines, as far as this host can try it: what it cannot is told.
test: lint
	-@./setup.sh vm
	SPARE=1 $(VM) -m sample -rs tests/vm
	$(PY) -m pytest -n 2

bench: setup
	@$(PY) -m benchmarks

# Pages that are generated from the code's tables; a test holds them against drift.
docs: setup
	$(PY) -m edged.docs
	$(PY) -m tests.clauses --write

faults: setup
	@$(PY) -m tests.faults $(SAMPLE:%=--sample %) $(SEED:%=--seed %) $(ROW:%=--row %)

.PHONY: clauses
clauses: setup
	@$(PY) -m tests.clauses $(ALL:%=--all)

simulate: setup
	@$(PY) -m tests.simulation $(if $(SEED),--seed $(SEED),$(if $(HOURS),--hours $(HOURS),--seeds $(or $(SEEDS),100)))

.PHONY: vm vm-full
vm:
	@./setup.sh vm
	SUITE=$(or $(SUITE),bookworm) $(VM) $(if $(SAMPLE),-m sample) tests/vm

vm-full: export FULL = 1
vm-full: vm

.PHONY: deb
deb: setup
	@$(PY) -m package.deb $(SUITE:%=--suite %)

.PHONY: exhaustive
exhaustive: setup
	@$(PY) -m tests.simulation.exhaustive $(PAIRS:%=--pairs %)

mutants: setup
	@$(PY) -m tests.simulation.mutants $(ID:%=--only %)

# An environment of its own: atheris is not for what is shipped, nor for the tests.
.PHONY: fuzz
fuzz: setup .venv-fuzz/installed
	@.venv-fuzz/bin/python -m tests.fuzz --minutes $(or $(MINUTES),5) $(TARGET:%=--target %)

.venv-fuzz/installed: requirements-fuzz.txt
	@$(or $(PYTHON),python3) -m venv --clear .venv-fuzz
	@.venv-fuzz/bin/pip install -qq --disable-pip-version-check --require-hashes -r requirements-fuzz.txt
	@touch $@
