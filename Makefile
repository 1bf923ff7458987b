GO ?= go
# what fuzz spends on each target
FUZZTIME ?= 30s
# how many files mutate damages, and which
MUTATIONS ?= 100000
SEED ?= 1

.PHONY: build test test-kernel bench growth fuzz mutate lint testdata dist install clean

build: ## the program, static
	CGO_ENABLED=0 $(GO) build -trimpath $(if $(VERSION),-ldflags '-X main.release=$(VERSION:v%=%)') -o mkbtf ./cmd/mkbtf

test: ## all tests that need nothing but this tree and some tools
	@scripts/test-tools.sh
	$(GO) test ./...

test-kernel: ## against real Debian kernels, their build and DKMS: fetches and installs what that takes (850 MB), boots kernels in QEMU; 30 minutes
	@scripts/test-tools.sh
	MKBTF_CC=$$(scripts/fetch-gcc.sh) $(GO) test -count=1 -run TestCompilers ./internal/golden/
	MKBTF_KERNEL_TESTS=1 $(GO) test -count=1 -timeout 90m -p 1 -v ./test/kernel/ ./test/kbuild/

bench: build ## against pahole, on real modules
	scripts/bench.sh

growth: build ## how cost grows with a module's size: the plots of docs/speed.md
	scripts/growth.sh

fuzz: ## each fuzz target for FUZZTIME
	@set -e; $(GO) list -f '{{if .TestGoFiles}}{{.ImportPath}}{{else if .XTestGoFiles}}{{.ImportPath}}{{end}}' ./... | while read -r p; do \
		for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
			echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$p; \
		done; \
	done

mutate: ## damages 100,000 modules and runs commands on them; 20 minutes
	MKBTF_MUTATIONS=$(MUTATIONS) MKBTF_MUTATION_SEED=$(SEED) $(GO) test -count=1 -timeout 3h -v -run '^TestMutations$$' ./cmd/mkbtf/

lint:
	@test -z "$$($(GO) tool gofumpt -l . | tee /dev/stderr)"
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

testdata: ## rebuild the test objects; needs the compilers that testdata/README.md names
	testdata/build.sh

dist: ## what is released, in dist/: programs for seven architectures, Debian packages, man pages and the like; VERSION=1.2
	@VERSION=$(VERSION) GO=$(GO) scripts/dist.sh

install: build ## below $(DESTDIR)$(PREFIX): program, man pages, completions, hooks; see scripts/install.sh
	@rm -rf extras && scripts/extras.sh ./mkbtf extras
	@DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) ZSHDIR=$(ZSHDIR) DOCDIR=$(DOCDIR) scripts/install.sh ./mkbtf extras

clean:
	rm -rf mkbtf dist extras
