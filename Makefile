# `make help` lists the targets.
#
# KAMAILIO_SRC=DIR   build against that source tree (after its `make cfg`) instead of the installed Kamailio's
# DESTDIR, MODULES_DIR   where `make install` puts the module

SHELL := /bin/sh
HOST := build/with-host.sh
CARGO_FLAGS := --locked
LIBRARY := $(or $(CARGO_TARGET_DIR),target)/release/libhttp_async_client.so
DISTRIBUTED := http_async_client.so
SHIM := $(wildcard kamailio-shim/*.c kamailio-shim/*.h kamailio-shim/absent/*.c kamailio-shim/faults/*.[ch])
HEADER := include/http_async_client.h
# Tests wait more than they work: a few at a time keep two cores busy.
TEST_THREADS := 4

# The releases whose Kamailio this source serves; the one of this machine is tested by `make test`.
RELEASES := bookworm trixie
OLDEST_RUST := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

# The release whose kamailio-extra-modules has the C module that `make compare` runs beside ours.
ORIGINAL := trixie

.PHONY: help build test check matrix packages licences sid compare compare-here deb demo install uninstall clean format \
	compatibility
.DEFAULT_GOAL := help
# Targets fetch and build into the same places.
.NOTPARALLEL:

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build dist/kamailio-VERSION/http_async_client.so, fetching what is missing
	@build/requirements.sh build
	@$(HOST) cargo build --release $(CARGO_FLAGS) --package http_async_client
	@$(HOST) sh -c 'folder=dist/kamailio-$$(build/host-version.sh) && install -D -m 644 $(LIBRARY) $$folder/$(DISTRIBUTED) && echo "built $$folder/$(DISTRIBUTED)"'

test: build faults ## run every test: unit tests, then end-to-end tests in the installed Kamailio
	@build/requirements.sh build test
	@$(HOST) cargo test $(CARGO_FLAGS) --lib --package http_async_client
	@$(HOST) sh -c 'HTTP_ASYNC_CLIENT_MODULE=$(CURDIR)/dist/kamailio-$$(build/host-version.sh)/$(DISTRIBUTED) \
		cargo test $(CARGO_FLAGS) --package end-to-end --no-fail-fast -- --test-threads=$(TEST_THREADS)'

matrix: ## run every test in the other Debian releases too, each in a root of its own (takes root)
	@. /etc/os-release && for release in $(RELEASES); do \
		[ $$release = "$$VERSION_CODENAME" ] || build/in-debian.sh $$release make test || exit 1; done
	@build/in-debian.sh trixie sh -c 'rustc --version | grep -F " $(OLDEST_RUST)."' \
		|| { echo "Cargo.toml promises Rust $(OLDEST_RUST), that of Debian 13, and it was not built with it"; exit 1; }

sid: ## run every test in Debian sid's Kamailio, built against the tree KAMAILIO_SRC (takes root)
	@[ -n "$(KAMAILIO_SRC)" ] || { echo "make sid KAMAILIO_SRC=DIR, the root of a tree of sid's series after its make cfg"; exit 2; }
	@build/in-debian.sh sid build/sid.sh

packages: ## build the package of every supported Debian release and try it in a fresh root (takes root)
	@for release in $(RELEASES); do build/try-package.sh $$release || exit 1; done

# A build of its own for it: quick to make, and in no package.
FAULTS_BUILT := $(or $(CARGO_TARGET_DIR),target)/debug/libhttp_async_client.so
FAULTS_MODULE := $(abspath $(or $(CARGO_TARGET_DIR),target))/faults/$(DISTRIBUTED)

.PHONY: faults
faults: ## let every allocation and every call of libcurl, c-ares, libevent and tm fail once (part of `make test`)
	@build/requirements.sh build test
	@$(HOST) cargo build $(CARGO_FLAGS) --package http_async_client --features fault-injection
	@install -D -m 644 $(FAULTS_BUILT) $(FAULTS_MODULE)
	@$(HOST) env HTTP_ASYNC_CLIENT_FAULTS_MODULE=$(FAULTS_MODULE) \
		cargo test $(CARGO_FLAGS) --package end-to-end --test faults -- --test-threads=$(TEST_THREADS)

licences: ## hold the crates against deny.toml
	@build/requirements.sh build
	@build/licences.sh

compare: ## run the same scripts on the C module and on ours, and write doc/differences.md (takes root)
	@build/in-debian.sh $(ORIGINAL) make compare-here CASES="$(CASES)"

# In a Debian release with the C module. CASES: words; only cases with one of them in their name, and nothing is written.
compare-here: build
	@build/requirements.sh build test
	@$(HOST) sh -c 'HTTP_ASYNC_CLIENT_MODULE=$(CURDIR)/dist/kamailio-$$(build/host-version.sh)/$(DISTRIBUTED) \
		cargo run --quiet $(CARGO_FLAGS) --package end-to-end --bin compare -- $(CASES)'

check: loom ## formatting, lints, whether the committed C header is current, and `make loom`
	@build/requirements.sh build check
	cargo fmt --all --check
	clang-format --dry-run -Werror $(SHIM)
	@mkdir -p target && cp $(HEADER) target/header-before \
		&& $(HOST) cargo clippy $(CARGO_FLAGS) --workspace --all-targets -- -D warnings \
		&& $(HOST) cargo clippy $(CARGO_FLAGS) --package end-to-end --test faults -- -D warnings \
		&& cmp target/header-before $(HEADER) \
		|| { echo "$(HEADER) was not current, or a lint failed; look above, and commit what changed"; exit 1; }

# Another configuration of the crate, so a folder of its own. Models stand in src/shared/*/model.rs.
.PHONY: loom
loom: ## every order in which the processes can meet at the ring and the pool of blocks, in the model checker loom
	@build/requirements.sh build
	@$(HOST) env RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=$(or $(CARGO_TARGET_DIR),target)/loom \
		cargo test $(CARGO_FLAGS) --lib --package http_async_client -- ring::model block_pool::model

# Which tests: tests/memcheck.tests. What is passed over, and why: tests/memcheck.supp.
.PHONY: memcheck
memcheck: build ## a part of the tests with every process of Kamailio under valgrind's memcheck
	@build/requirements.sh build test memcheck
	@$(HOST) sh -c 'HTTP_ASYNC_CLIENT_MODULE=$(CURDIR)/dist/kamailio-$$(build/host-version.sh)/$(DISTRIBUTED) build/memcheck.sh'

format: ## format all code
	cargo fmt --all
	clang-format -i $(SHIM)

compatibility: ## write doc/compatibility.md from the contract
	@$(HOST) env WRITE_COMPATIBILITY=1 cargo test $(CARGO_FLAGS) --lib --package http_async_client contract

demo: build ## the main job in one run: a SIP call that waits for an HTTP answer
	@build/requirements.sh build test
	@$(HOST) sh -c 'HTTP_ASYNC_CLIENT_MODULE=$(CURDIR)/dist/kamailio-$$(build/host-version.sh)/$(DISTRIBUTED) \
		cargo run --quiet $(CARGO_FLAGS) --package end-to-end --bin demo'

# The figures of the two releases are taken one after the other; QUICK=1 measures less, here alone, and writes nothing.
.PHONY: bench bench-here
bench: ## what a query costs, beside bare libcurl and the C module; writes doc/performance.md; QUICK=1 (takes root)
ifdef QUICK
	@$(MAKE) --no-print-directory bench-here BENCH="quick"
else
	@. /etc/os-release && [ "$$VERSION_CODENAME" = bookworm ] || { echo "make bench: the figures of Debian 12 are taken on it; QUICK=1 works anywhere"; exit 2; }
	@$(MAKE) --no-print-directory bench-here BENCH="run dist/bench/debian-12.json"
	@build/in-debian.sh $(ORIGINAL) make bench-here BENCH="run dist/bench/debian-13.json"
	@$(MAKE) --no-print-directory bench-here BENCH="document dist/bench/debian-12.json dist/bench/debian-13.json"
endif

# In the release where it is called. BENCH: what the program is to do.
bench-here: build
	@build/requirements.sh build test measure
	@$(HOST) cargo build --quiet --release $(CARGO_FLAGS) --package end-to-end --bin floor --bin bench
	@$(HOST) sh -c 'HTTP_ASYNC_CLIENT_MODULE=$(CURDIR)/dist/kamailio-$$(build/host-version.sh)/$(DISTRIBUTED) \
		$(or $(CARGO_TARGET_DIR),target)/release/bench $(BENCH)'

.PHONY: deadlines
deadlines: build ## how late a route runs for each thing that can hold up its query, and how long an OPTIONS waits under load; for an idle machine
	@build/requirements.sh build test
	@$(HOST) sh -c 'IDLE_MACHINE=1 HTTP_ASYNC_CLIENT_MODULE=$(CURDIR)/dist/kamailio-$$(build/host-version.sh)/$(DISTRIBUTED) \
		cargo test --quiet $(CARGO_FLAGS) --package end-to-end --test end_to_end -- --nocapture --test-threads=1 deadlines:: starvation::'

.PHONY: https-soak
https-soak: build ## 200,000 HTTPS queries beside tls.so and http_client.so, for each memory_manager: shared memory must not grow
	@build/requirements.sh build test measure
	@$(HOST) sh -c 'HTTP_ASYNC_CLIENT_MODULE=$(CURDIR)/dist/kamailio-$$(build/host-version.sh)/$(DISTRIBUTED) \
		cargo run --quiet --release $(CARGO_FLAGS) --package end-to-end --bin https-soak'

fuzz: ## fuzz what parses bytes of peers and scripts (SECONDS each, 60; 0: the kept inputs alone; TARGET)
	@build/requirements.sh build
	@$(HOST) build/fuzz.sh $(or $(SECONDS),60) $(TARGET)

fuzz-minimise: ## put what make fuzz found into fuzz/corpus, as few inputs as reach the same code (TARGET)
	@build/requirements.sh build
	@$(HOST) build/fuzz.sh minimise $(TARGET)

.PHONY: fuzz fuzz-minimise

# MINUTES, QUERIES, WORKERS, MEMORY_MANAGER, SEED, DOCUMENT: see doc/soak.md.
.PHONY: soak
soak: build ## minutes under a mixed load: whether all is answered and nothing grows; MINUTES=n (takes root)
	@build/requirements.sh build test measure
	@$(HOST) env MINUTES="$(MINUTES)" QUERIES="$(QUERIES)" WORKERS="$(WORKERS)" MEMORY_MANAGER="$(MEMORY_MANAGER)" \
		SEED="$(SEED)" DOCUMENT="$(DOCUMENT)" \
		sh -c 'HTTP_ASYNC_CLIENT_MODULE=$(CURDIR)/dist/kamailio-$$(build/host-version.sh)/$(DISTRIBUTED) \
		cargo run --quiet $(CARGO_FLAGS) --package end-to-end --bin soak'

deb: build ## build the Debian package for the installed Kamailio, in dist/
	@build/requirements.sh build deb
	@$(HOST) build/deb.sh

install: build ## install the module beside Kamailio's own (DESTDIR, MODULES_DIR)
	@$(HOST) build/install.sh install "$(DESTDIR)" "$(MODULES_DIR)"

uninstall: ## remove what `make install` put there
	@build/install.sh uninstall "$(DESTDIR)" "$(MODULES_DIR)"

clean: ## remove everything that was built or fetched, the roots of other releases too
	rm -rf --one-file-system target dist .kamailio .debian .tools fuzz/target fuzz/found fuzz/artifacts
