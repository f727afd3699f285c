# make demo   the whole main job, played before your eyes
# make test   everything that is checked (what CI runs)
# make check  its fast part
# make bench  the measurements
# make faults which faults of the catalogue are proved by a test, which are not and why; takes the defence out of
#             some and runs their tests, which must fail (SAMPLE=20 or all, SEED=n, ROW=U01)
PY := .venv/bin/python

.PHONY: demo test check bench setup lint docs faults

setup:
	@./setup.sh

demo: setup
	@$(PY) -m demo

lint: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

check: lint
	$(PY) -m pytest -n 2 -m "not slow"

test: lint
	$(PY) -m pytest -n 2

bench: setup
	@$(PY) -m benchmarks

# Pages that are generated from the code's tables; a test holds them against drift.
docs: setup
	$(PY) -m edged.docs

faults: setup
	@$(PY) -m tests.faults $(SAMPLE:%=--sample %) $(SEED:%=--seed %) $(ROW:%=--row %)
