# Every target does its own set-up first. ARGS is handed on to what the target runs; LIBTORCH names a libtorch of one's
# own (a libtorch folder or a site-packages/torch), KINDRED_DATA a folder of data sets.

OUT ?= runs/demo
ARGS ?=

# Where the set-up describes libtorch; the manifest says when SwiftPM looks for it here.
export PKG_CONFIG_PATH := $(CURDIR)/.deps/pkgconfig$(if $(PKG_CONFIG_PATH),:$(PKG_CONFIG_PATH))
ifneq ($(strip $(KINDRED_DATA)),)
export KINDRED_DATA
endif

.DEFAULT_GOAL := help
.PHONY: help setup setup-cuda demo test documents outside processes dist try-dist install uninstall bench fuzz faults kills soak build release lint docs clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup: ## get what a build needs: libtorch into .deps, headers of libcurl, libjpeg-turbo, libpng, libwebp, OpenSSL and zlib
	@Scripts/setup.sh

setup-cuda: ## get libtorch's CUDA build into .deps/libtorch-cuda, for LIBTORCH
	@Scripts/setup-cuda.sh

demo: setup ## train and compare a teacher and its students on textures: a build, then about six minutes (OUT, ARGS)
	swift build -c release --product kindred
	.build/release/kindred demo --out $(OUT) $(ARGS)

test: setup ## build and run every test (ARGS, such as ARGS='--filter TorchTests')
	swift build --build-tests
	GOMP_SPINCOUNT=1000 KINDRED_PYTHONPATH="$$(Scripts/setup-python.sh)" swift test --skip-build $(ARGS)

documents: setup ## follow every block of README, guides and experiments on tiny settings, some minutes
	swift build --build-tests
	GOMP_SPINCOUNT=1000 KINDRED_DOCUMENTS=all KINDRED_PYTHONPATH="$$(Scripts/setup-python.sh)" \
	  swift test --skip-build --filter DocumentTests

outside: setup ## build and run a package that names Kindred by version (the last commit), some minutes at first
	Scripts/try-outside.sh

processes: setup ## run over several processes under torchrun, other launchers' variables and on two machines, some minutes
	Scripts/try-processes.sh

bench: setup ## measure steps, losses and exported files (ARGS such as ARGS='losses --rounds 3')
	Benchmarks/run.sh $(ARGS)

# What docs/reliability.md tells of, at full length. ARGS such as ARGS='gzip --inputs 10000'.
RELIABILITY = .build/release/kindred-reliability

fuzz: setup ## read a million damaged and hostile files with every reader, some hours (ARGS)
	swift build -c release --product kindred-reliability
	$(RELIABILITY) fuzz --failures .build/fuzz-failures $(ARGS)

faults: setup ## let every write of small runs fail once (ARGS)
	for product in kindred kindred-reliability FaultyDisk; do swift build -c release --product $$product || exit 1; done
	$(RELIABILITY) faults $(ARGS)

kills: setup ## kill small runs, recordings and comparisons at random moments (ARGS)
	for product in kindred kindred-reliability; do swift build -c release --product $$product || exit 1; done
	$(RELIABILITY) kills $(ARGS)

soak: setup ## distil for 100,000 steps and watch memory and open files (ARGS)
	for product in kindred kindred-reliability; do swift build -c release --product $$product || exit 1; done
	$(RELIABILITY) soak $(ARGS)

build: setup ## build everything for debugging
	swift build

release: setup ## build the command for use: .build/release/kindred
	swift build -c release --product kindred

# Where an installation goes; DESTDIR is put before it for packages.
PREFIX ?= /usr/local
DESTDIR ?=

dist: setup ## pack the command for machines without Swift or Python: .build/dist/kindred-VERSION-linux-ARCH.tar.gz
	Scripts/dist.sh

try-dist: ## unpack the archive on bare systems and use it there, as root (ARGS such as ARGS='debian:trixie')
	Scripts/try-dist.sh $(ARGS)

install: setup ## install the command with its libraries, completions and manual (PREFIX, /usr/local)
	Scripts/dist.sh --stage
	Scripts/install.sh install "$(DESTDIR)$(PREFIX)"

uninstall: ## remove what 'make install' has put there (PREFIX)
	Scripts/install.sh uninstall "$(DESTDIR)$(PREFIX)"

lint: setup ## check the form of all Swift files
	swift format lint --strict --recursive Sources Tests Benchmarks Examples/*/Sources Examples/*/Package.swift Snippets Package.swift

docs: setup ## write the documentation as one site into .build/docs; a warning is an error
	Scripts/make-docs.sh

clean: ## remove what was built; .deps and runs stay
	rm -rf .build
