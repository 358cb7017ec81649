# What there is to do; "make" alone prints it.

GO      ?= go
# Everything is built and tested without cgo, which could not drop capabilities.
export CGO_ENABLED = 0
# In the virtual machine: the packages that speak to a kernel. It has ipip, and an
# older kernel than most machines. Plain emulation is slow: hence the time.
VMPKGS  ?= ./internal/kernel ./internal/apply ./cmd/netplan-overlay
# Tests end before the machine does, and tell where they hang.
VMTIME  ?= 1500
VMRUN    = $(CURDIR)/hack/vmrun -t $(VMTIME) -e CI -c $(CURDIR)/examples -c $(CURDIR)/testdata -c $(CURDIR)/README.md -c $(CURDIR)/SECURITY.md
REPORT   = $(GO) run ./hack/report

.PHONY: help build test unit vm check golden bench bench-go bench-vm bench-watch bench-latency soak fuzz vuln sweep reliability impact markdown demo deps clean install uninstall packages systemd

help:
	@echo 'make build    the program, static, as ./netplan-overlay'
	@echo 'make test     everything: check, unit, vm (installs what is missing when run as root)'
	@echo 'make unit     the tests on this machine, in namespaces that they make'
	@echo 'make vm       the tests of the kernel room and the commands in a virtual machine that has ipip'
	@echo 'make check    gofmt, vet, staticcheck'
	@echo 'make golden   rewrite the golden files; look at the difference before you commit it'
	@echo 'make bench    measure large hosts beside the floor, iproute2 and others; writes docs/benchmarks.md (bench/README.md; root; 20 minutes)'
	@echo 'make bench-vm the same for ipip, in a virtual machine that has it'
	@echo 'make bench-go benchmarks of the parts, to be compared by benchstat'
	@echo 'make bench-watch  how soon watch reacts, what it costs idle and in storms of foreign changes (bench/README.md; root; 10 minutes)'
	@echo 'make soak     half an hour of changes, drift, restarts and kills beside watch (SOAK=30m); the tests do a minute of it'
	@echo 'make fuzz     fuzz the decoders for a while (FUZZTIME=1m)'
	@echo 'make vuln     look for known vulnerabilities in what the program is built from (needs the Internet)'
	@echo 'make reliability  inject every fault of docs/reliability.md, and renew its table (a quarter of an hour)'
	@echo 'make sweep    kill apply at every single point of its way, and look what the next one makes of it'
	@echo 'make impact   measure what each kind of change does to traffic; writes docs/impact.md and docs/switching.md'
	@echo 'make markdown render plans in Markdown by a real renderer (needs npm)'
	@echo 'make demo     a two-host overlay on this machine'
	@echo 'make install  the program, its units, manual, completions and schemas (DESTDIR=, PREFIX=/usr/local)'
	@echo 'make uninstall  take that away again; the network stays, and so do changed settings'
	@echo 'make packages .deb and .rpm for amd64 and arm64, in .cache/packages'
	@echo 'make systemd  try the package on a Debian with systemd, in a container that is made for it (needs root)'
	@echo 'make clean    remove what was built'

build:
	$(GO) build -trimpath -o netplan-overlay ./cmd/netplan-overlay

test: deps check unit vm

unit:
	$(GO) test -count=1 -json -timeout 20m ./... | $(REPORT)

vm:
	$(GO) test -count=1 -json -p 1 -timeout 24m -exec '$(VMRUN)' $(VMPKGS) | $(REPORT)

check:
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not gofmt-ed: $$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) tool -modfile=tools/go.mod staticcheck ./...

golden:
	$(GO) test ./internal/render ./internal/diff ./internal/desired ./internal/spec ./internal/monitor -update
	git status --short -- docs testdata internal/*/testdata

bench:
	GO='$(GO)' bench/large
	.cache/bench-scale page -page docs/benchmarks.md -plot docs/benchmarks.svg .cache/scale.json $(wildcard .cache/scale-vm/scale.json)

# The same for ipip, which not every kernel has, in the virtual machine: all is slow
# there, and only ratios count. The next page of "make bench" has it, too.
BENCHVM = netplan-overlay bench-floor bench-clock bench-library
bench-vm: deps
	GO='$(GO)' bench/large build
	hack/vmrun -t 1200 $(BENCHVM:%=-c .cache/%) -o .cache/scale-vm .cache/bench-scale measure -bin '$(CURDIR)/.cache' -only ipip -sizes 1000,5000 -out /out/scale.json

# How often each is measured: benchstat wants several.
BENCHCOUNT ?= 1
bench-go:
	$(GO) test -run '^$$' -bench . -benchmem -count $(BENCHCOUNT) ./...

bench-watch: bench-latency
	GO='$(GO)' bench/idle
	GO='$(GO)' bench/storm

bench-latency:
	GO='$(GO)' bench/latency -page docs/watch-latency.md

SOAK ?= 30m
soak:
	NETPLAN_OVERLAY_TEST_SOAK=$(SOAK) $(GO) test -count=1 -timeout 0 -v -run TestSoak ./cmd/netplan-overlay

FUZZTIME ?= 30s
FUZZERS   = spec:FuzzParse spec:FuzzReader snapshot:FuzzParse review:FuzzObserved reconcile:FuzzParsePlan journal:FuzzParse kernel:FuzzParse kernel:FuzzAttributes kernel:FuzzSysctlPath kernel:FuzzComponent
fuzz:
	@GO='$(GO)' hack/fuzz $(FUZZTIME) $(FUZZERS)

vuln:
	@GO='$(GO)' hack/vuln

# The faults of docs/reliability.md: all of them here, in part in the virtual machine,
# which has ipip and is slow.
PROOFS    = TestRollback|TestTwins|TestFailedAnywhere|TestFailedRollBack|TestRaceLeads|TestKilledAnywhere|TestForeignChanges|TestDebris|TestJournalOf|TestReadersAre|TestLockIs|TestFullRun
PROOFENV  = NETPLAN_OVERLAY_TEST_RELIABILITY=1
reliability: deps
	{ $(PROOFENV) $(GO) test -count=1 -p 1 -timeout 90m -json -run '$(PROOFS)' ./internal/apply ./cmd/netplan-overlay; \
	CGO_ENABLED=0 $(GO) test -count=1 -p 1 -timeout 90m -json -exec '$(VMRUN) -t 5000 -e $(PROOFENV)' \
		-run 'TestFailedAnywhere|TestKilledAnywhereOfAnyChange' ./cmd/netplan-overlay; } | $(GO) run ./hack/reliability

sweep:
	NETPLAN_OVERLAY_TEST_SWEEP_EVERY=1 $(GO) test -count=1 -timeout 30m -v -run TestKilled ./cmd/netplan-overlay

# Both write what they measured into files first, so that the pages are never half new.
IMPACTRUNS ?= 3
MEASURE     = $(GO) test -count=1 -timeout 60m -v -run 'TestImpact|TestSwitching' ./cmd/netplan-overlay
impact: VMTIME = 3000
impact:
	mkdir -p .cache
	NETPLAN_OVERLAY_TEST_IMPACT_RUNS=$(IMPACTRUNS) $(MEASURE) >.cache/impact-host || { cat .cache/impact-host; exit 1; }
	NETPLAN_OVERLAY_TEST_IMPACT_RUNS=1 CGO_ENABLED=0 $(MEASURE) -exec '$(VMRUN) -e NETPLAN_OVERLAY_TEST_IMPACT_RUNS' >.cache/impact-vm || { cat .cache/impact-vm; exit 1; }
	cat .cache/impact-host .cache/impact-vm | $(GO) run ./hack/impact docs

markdown:
	@GO='$(GO)' hack/markdown

demo:
	$(GO) run ./cmd/netplan-overlay lab test -f examples/classic.yaml

deps:
	@hack/deps

PREFIX ?= /usr/local
INSTALL = DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' $(if $(SYSCONFDIR),SYSCONFDIR='$(SYSCONFDIR)') hack/install
install: build
	@$(INSTALL) netplan-overlay

uninstall:
	@$(INSTALL) --remove

packages:
	@GO='$(GO)' hack/packages

systemd:
	@GO='$(GO)' hack/packages "$$(dpkg --print-architecture)"
	@hack/systemd-test

clean:
	rm -rf netplan-overlay bin .cache
