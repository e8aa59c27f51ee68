# SPDX-License-Identifier: BSD-2-Clause
# Everything lands in build/. `make help` lists what can be made; V=1 shows the commands.

VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=
SYSCONFDIR ?= /etc

B     := build
CC    ?= cc
# The newest clang that Debian 12 has, else the default one (14).
CLANG ?= $(or $(shell command -v clang-19),clang)
BPFTOOL ?= $(or $(shell command -v bpftool),$(wildcard /usr/sbin/bpftool),bpftool)

ifeq ($(V),1)
Q :=
say := @: #
else
Q := @
say = @printf '  %-7s %s%s\n'
endif

LIBS := libbpf libelf zlib libuv libcurl libmicrohttpd jansson yaml-0.1 libmnl smartcols
# Each is computed at its first use, as `make deps` may have to install pkg-config before, and then kept.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(LIBS)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $(shell pkg-config --libs $(LIBS)))$(PKG_LIBS)

WARN   := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	  -Wwrite-strings -Wvla -Wformat=2 -Wformat-security -Wno-missing-field-initializers
CFLAGS ?= -O2 -g
# glibc's checks need an optimizing compiler, indirect branch tracking an x86.
HARDEN := -fPIE -fstack-protector-strong \
	  $(if $(filter-out -O0,$(filter -O%,$(CFLAGS))),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2) \
	  $(if $(filter x86_64-% i%86-%,$(shell $(CC) -dumpmachine 2> /dev/null)),-fcf-protection)
# ROOMS is set below for the targets that include more than user/lib.
USER_CPPFLAGS = -D_GNU_SOURCE -DPOISE_VERSION='"$(VERSION)"' -Iinclude -Iuser/lib $(ROOMS) -I$B $(CPPFLAGS)
USER_CFLAGS = -std=gnu11 $(WARN) $(CFLAGS) $(HARDEN) $(PKG_CFLAGS)
LINK = $(CC) $(CFLAGS) -pie -Wl,-z,relro,-z,now $(LDFLAGS)
ASAN := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all

# __bpf__ is clang's own macro for the target; -mcpu=v3 is 32-bit jumps and atomics, kernel 5.12.
BPF_CFLAGS := -std=gnu11 -O2 -g -target bpf -mcpu=v3 -fno-strict-aliasing -Wall -Wextra -Wno-unused-function -Wno-unused-parameter \
	      -Wno-missing-declarations -Iinclude -Ivmlinux -Ibpf

LIB_SRC    := $(wildcard user/lib/*/*.c)
POISED_SRC := $(wildcard user/poised/*.c user/poised/*/*.c)
POISE_SRC  := $(wildcard user/poise/*.c user/poise/*/*.c)
BPF_SRC    := $(wildcard bpf/*.bpf.c)
SKELETONS  := $(BPF_SRC:bpf/%.bpf.c=$B/gen/%.skel.h)

obj = $(1:%.c=$B/obj/%.o)
aobj = $(1:%.c=$B/asan/%.o)

# Includes name the room: "maps/pins.h" of user/lib for all, rooms of a program for that program.
$B/obj/user/poised/%.o $B/asan/user/poised/%.o: ROOMS := -Iuser/poised
$B/obj/user/poise/%.o $B/asan/user/poise/%.o: ROOMS := -Iuser/poise

# Objects whose sources or commands are not those of the last make go, whatever their dates say.
$(shell tools/stale.sh $B '$(subst ','\'',$(CC) $(CLANG) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(VERSION))')
.DELETE_ON_ERROR:

# The empty recipes keep make from saying that there is nothing to be done.
.PHONY: all
all: $B/poised $B/poise ; @:

# Named before the first compiler error could puzzle anybody.
$B/.deps: tools/deps.sh
	$Q mkdir -p $B
	$Q tools/deps.sh --check build
	$Q touch $@

# ---- BPF objects and their skeletons
$B/bpf/%.bpf.o: bpf/%.bpf.c | $B/.deps
	$(say) BPF $<
	$Q mkdir -p $(@D)
	$Q $(CLANG) $(BPF_CFLAGS) -MMD -MP -MT $@ -c $< -o $@

$(SKELETONS): $B/gen/%.skel.h: $B/bpf/%.bpf.o
	$(say) SKEL $@
	$Q mkdir -p $(@D)
	$Q $(BPFTOOL) gen skeleton $< name $*_bpf > $@.tmp && mv $@.tmp $@

# ---- user space
$B/obj/%.o: %.c | $(SKELETONS) $B/.deps
	$(say) CC $<
	$Q mkdir -p $(@D)
	$Q $(CC) $(USER_CPPFLAGS) $(USER_CFLAGS) -MMD -MP -c $< -o $@

$B/libpoise.a: $(call obj,$(LIB_SRC))
$B/libpoised.a: $(call obj,$(filter-out user/poised/main.c,$(POISED_SRC)))
$B/asan/libpoise.a: $(call aobj,$(LIB_SRC))
$B/asan/libpoised.a: $(call aobj,$(filter-out user/poised/main.c,$(POISED_SRC)))
$B/asan/libpoisecmd.a: $(call aobj,$(filter-out user/poise/main.c,$(POISE_SRC)))
$B/libpoise.a $B/libpoised.a $B/asan/libpoise.a $B/asan/libpoised.a $B/asan/libpoisecmd.a:
	$(say) AR $@
	$Q mkdir -p $(@D) && rm -f $@ && ar rcs $@ $^

$B/poised: $B/obj/user/poised/main.o $B/libpoised.a $B/libpoise.a
$B/poise: $(call obj,$(POISE_SRC)) $B/libpoise.a
$B/poised $B/poise:
	$(say) LD $@
	$Q $(LINK) $^ $(PKG_LIBS) -o $@

# ---- unit tests: cmocka under ASan and UBSan, each linked with the modules it calls
UNIT := $(patsubst tests/unit/%.c,$B/tests/unit/%,$(wildcard tests/unit/*/test_*.c))
$B/asan/tests/unit/%.o: ROOMS := -Iuser/poised -Iuser/poise -Itests/unit

$B/asan/%.o: %.c | $(SKELETONS) $B/.deps
	$(say) CC $< " (asan)"
	$Q mkdir -p $(@D)
	$Q $(CC) $(USER_CPPFLAGS) -std=gnu11 $(WARN) $(ASAN) $(PKG_CFLAGS) -MMD -MP -c $< -o $@

$(UNIT): $B/tests/unit/%: $B/asan/tests/unit/%.o $B/asan/libpoised.a $B/asan/libpoisecmd.a \
		$B/asan/libpoise.a
	$(say) LD $@
	$Q mkdir -p $(@D)
	$Q $(CC) $(ASAN) $^ $(PKG_LIBS) -lcmocka -lm -o $@

# ---- what a poised of ABI version 3 left behind, for the tests that start from there
ABI3_TESTS := $B/tests/unit/kernel/test_lb_abi3 $B/tests/net/peers/abi3_pins

$B/abi3/abi3.bpf.o: tests/abi3/lb.bpf.o.gz
	$Q mkdir -p $(@D)
	$Q gzip -dc $< > $@.tmp && mv $@.tmp $@

$B/gen/abi3.skel.h: $B/abi3/abi3.bpf.o
	$(say) SKEL $@
	$Q mkdir -p $(@D)
	$Q $(BPFTOOL) gen skeleton $< name abi3_bpf > $@.tmp && mv $@.tmp $@

$B/asan/tests/abi3/%.o $(ABI3_TESTS:$B/%=$B/asan/%.o): override CPPFLAGS += -Itests
$B/asan/tests/abi3/abi3.o: | $B/gen/abi3.skel.h
$(ABI3_TESTS): $B/asan/tests/abi3/abi3.o

# ---- what scenarios run beside poised and poise: tests/net/peers/*.c, built as the unit tests are
NET_TOOLS := $(patsubst %.c,$B/%,$(wildcard tests/net/peers/*.c))
$B/asan/tests/net/%.o: ROOMS := -Itests/net/peers

$(filter-out %/xdp_pass,$(NET_TOOLS)): $B/tests/net/%: $B/asan/tests/net/%.o $B/asan/libpoise.a
	$(say) LD $@
	$Q mkdir -p $(@D)
	$Q $(CC) $(ASAN) $(filter %.o,$^) $(filter %.a,$^) $(PKG_LIBS) -o $@

$B/tests/net/peers/churn_client: $(call aobj,$(wildcard tests/net/peers/churn/*.c))

# The demo needs this one, too, and no sanitizers for it.
$B/tests/net/peers/xdp_pass: $B/obj/tests/net/peers/xdp_pass.o
	$(say) LD $@
	$Q mkdir -p $(@D)
	$Q $(LINK) $^ $(PKG_LIBS) -o $@

# ---- the oracle's runner (tests/oracle/oracle.sh), built as the unit tests are
ORACLE := $B/tests/oracle/runner

$(ORACLE): $B/asan/tests/oracle/runner.o $B/asan/libpoise.a
	$(say) LD $@
	$Q mkdir -p $(@D)
	$Q $(CC) $(ASAN) $^ $(PKG_LIBS) -o $@

# ---- packet tests (root): each test_<name> runs packets through a loaded program; what they share
# is every other file below the directory
PACKET := $(patsubst tests/packet/%.c,$B/tests/packet/%,$(wildcard tests/packet/*/test_*.c))
PACKET_SHARED := $(foreach source,$(wildcard tests/packet/*/*.c),\
	$(if $(filter test_%,$(notdir $(source))),,$(source)))

$B/obj/tests/packet/%.o: ROOMS := -Iuser/poised -Itests/packet
$(PACKET): $B/tests/packet/%: $B/obj/tests/packet/%.o $(call obj,$(PACKET_SHARED)) $B/libpoised.a \
		$B/libpoise.a
	$(say) LD $@
	$Q mkdir -p $(@D)
	$Q $(LINK) $^ $(PKG_LIBS) -o $@

# ---- fuzzing: tests/fuzz/*.c are libFuzzer targets over user/lib
FUZZ_TESTS := $(patsubst %.c,$B/%,$(wildcard tests/fuzz/*.c))
FUZZ_CLANG  = $(shell tools/deps.sh --clang-with-fuzzer)
FUZZ_FLAGS := -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all

$B/fuzz/%.o: %.c | $B/.deps
	$(say) CC $< " (fuzzer)"
	$Q mkdir -p $(@D)
	$Q $(FUZZ_CLANG) $(USER_CPPFLAGS) -std=gnu11 $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined \
		$(PKG_CFLAGS) -MMD -MP -c $< -o $@

$(FUZZ_TESTS): $B/tests/fuzz/%: $B/fuzz/tests/fuzz/%.o $(LIB_SRC:%.c=$B/fuzz/%.o)
	$(say) LD $@
	$Q mkdir -p $(@D)
	$Q $(FUZZ_CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined $^ $(PKG_LIBS) -o $@

# ---- running tests. The programs are built in a make of their own, which sees what deps installed.
TESTS := runner build unit packet oracle net fuzz
.PHONY: test $(TESTS:%=test-%) test-programs net-programs test-kernel need-root test-mutants test-long
test: need-root
	$Q tools/deps.sh build test
	$Q $(MAKE) --no-print-directory all test-programs
	$Q tools/test.sh $(TESTS)

test-runner:
	$Q tools/test.sh runner
test-build: all
	$Q tools/test.sh build
test-unit: $(UNIT)
	$Q tools/test.sh unit
test-fuzz: $(FUZZ_TESTS)
	$Q tools/test.sh fuzz
test-packet: need-root $(PACKET)
	$Q tools/test.sh packet
test-oracle: need-root all $(NET_TOOLS) $(ORACLE)
	$Q tools/test.sh oracle
net-programs: all $(NET_TOOLS) ; @:
test-net: need-root net-programs
	$Q tools/test.sh net $(SCENARIO)
test-programs: $(UNIT) $(NET_TOOLS) $(PACKET) $(ORACLE) $(FUZZ_TESTS) ; @:

# Bugs put in, one at a time: the test that must see it fails (MUTANTS="nat parse" picks some).
test-mutants: need-root
	$Q tools/deps.sh build test
	$Q tools/test-mutants $(MUTANTS)

# Tests that take too long for every change: transfers, silences and tables as large as users have
# them, the model over many seeds, more random packets, and a share of the mutants.
test-long: need-root
	$Q tools/deps.sh build test
	$Q $(MAKE) --no-print-directory all test-programs
	$Q POISE_LONG=1 ROW_MODEL_SEEDS=20000 POISE_FUZZ_PACKETS=1000000 POISE_ORACLE_PACKETS=200000 FUZZ_RUNS=2000000 \
		POISE_PATIENCE=4 tools/test.sh $(TESTS)
	$Q tools/test-mutants --share 20

# The packet tables and tunnel devices as backends, on Debian's stock kernel in QEMU; instructions per
# packet.
test-kernel: need-root
	$Q tools/deps.sh build test kernel
	$Q $(MAKE) --no-print-directory all test-programs $B/poise-bench
	$Q tools/test-kernel

need-root:
	$Q [ "$$(id -u)" = 0 ] || { echo "root is needed: these tests load BPF programs and make network" \
		"namespaces (try: sudo make ...); make test-unit and make test-fuzz work without" >&2; exit 1; }

# ---- lint: every finding is an error; format applies what lint checks
C_DIRS     := bpf include user tests tools
C_FILES     = $(shell find $(wildcard $(C_DIRS)) -name '*.[ch]')
CLANG_FORMAT ?= $(or $(shell command -v clang-format-14),clang-format)

.PHONY: lint format
lint: all $(SKELETONS)
	$Q tools/deps.sh --check lint
	$Q CLANG_FORMAT='$(CLANG_FORMAT)' tools/lint.sh
format:
	$Q $(CLANG_FORMAT) -i $(C_FILES)

# ---- Debian packages
.PHONY: deps
deps:
	$Q tools/deps.sh build test demo

# ---- demo: `make demo KEEP=1` leaves it standing, `tools/demo.sh --remove` takes it away
.PHONY: demo
demo:
	$Q [ "$$(id -u)" = 0 ] || { echo "root is needed: the demo makes network namespaces and loads a" \
		"BPF program (sudo make demo)" >&2; exit 1; }
	$Q tools/deps.sh build demo
	$Q $(MAKE) --no-print-directory all $B/tests/net/peers/xdp_pass
	$Q tools/demo.sh $(if $(KEEP),--keep)

# ---- install
UNITDIR = $(PREFIX)/lib/systemd/system
COMPDIR = $(PREFIX)/share/bash-completion/completions
MAN    := $(wildcard packaging/man/*.[1-8])

.PHONY: install uninstall
install: all
	install -D -m 755 $B/poised $(DESTDIR)$(PREFIX)/sbin/poised
	install -D -m 755 $B/poise $(DESTDIR)$(PREFIX)/bin/poise
	for page in $(MAN); do install -D -m 644 $$page \
		$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/} || exit; done
	install -d $(DESTDIR)$(UNITDIR)
	sed 's|/usr/sbin/|$(PREFIX)/sbin/|' packaging/poised.service > $(DESTDIR)$(UNITDIR)/poised.service
	chmod 644 $(DESTDIR)$(UNITDIR)/poised.service
	install -D -m 644 packaging/completions/poise.bash $(DESTDIR)$(COMPDIR)/poise
	[ -e $(DESTDIR)$(SYSCONFDIR)/poise/poise.yaml ] || \
		install -D -m 644 packaging/poise.yaml $(DESTDIR)$(SYSCONFDIR)/poise/poise.yaml

# The configuration stays.
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/sbin/poised $(DESTDIR)$(PREFIX)/bin/poise \
		$(DESTDIR)$(UNITDIR)/poised.service $(DESTDIR)$(COMPDIR)/poise
	for page in $(MAN); do rm -f $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; done

.PHONY: help
help:
	@echo 'make               build/poised and build/poise (V=1 shows commands)'
	@echo 'make deps          install what building, testing and the demo need (root, Debian)'
	@echo 'make demo          three servers behind the balancer, in namespaces (root; KEEP=1 leaves it)'
	@echo 'make test          every test but those for the kernel, mutants, long (root; installs what it needs)'
	@echo 'make test-runner   what judges the other tests'
	@echo 'make test-build    what make makes anew, how programs are linked, what lint finds'
	@echo 'make test-unit     modules, under ASan and UBSan'
	@echo 'make test-packet   packets through the loaded program (root)'
	@echo 'make test-oracle   random packets, judged by a second model of the forwarding rules (root)'
	@echo 'make test-net      namespace scenarios (root; SCENARIO="udp cli" picks some)'
	@echo 'make test-fuzz     libFuzzer targets, a bounded run'
	@echo 'make test-mutants  bugs put in, one at a time: does a test see each? (root)'
	@echo 'make test-long     the tests at length, and a share of the mutants (root)'
	@echo 'make test-kernel   packets and tunnel devices on Debian 12'"'"'s kernel in QEMU (root)'
	@echo 'make bench         ns per packet (root)'
	@echo 'make bench-insn    instructions per packet on Debian 12'"'"'s kernel in QEMU (root, a minute)'
	@echo 'make bench-churn   connections broken by changes, beside nftables and HAProxy (root, 5 minutes)'
	@echo 'make bench-peers   requests/s, latency, CPU beside nftables, HAProxy, nginx (root, 10 minutes)'
	@echo 'make lint          formatting, static analysis, the rooms of the house;  make format'
	@echo 'make install       DESTDIR= PREFIX=/usr/local;  make uninstall'
	@echo 'make clean'

.PHONY: clean
clean:
	rm -rf $B

-include $(shell find $B -name '*.d')

# ---- bench: tools/bench/*.c with a harness in the kernel of its own
BENCH_SRC := $(filter-out %.bpf.c,$(wildcard tools/bench/*.c))

$B/tools/bench/bench.bpf.o: tools/bench/bench.bpf.c | $B/.deps
	$(say) BPF $<
	$Q mkdir -p $(@D)
	$Q $(CLANG) $(BPF_CFLAGS) -Itools -MMD -MP -MT $@ -c $< -o $@

$B/gen/bench.skel.h: $B/tools/bench/bench.bpf.o
	$(say) SKEL $@
	$Q mkdir -p $(@D)
	$Q $(BPFTOOL) gen skeleton $< name bench_bpf > $@.tmp && mv $@.tmp $@

$B/obj/tools/bench/%.o: ROOMS := -Itools
$(call obj,$(BENCH_SRC)): | $B/gen/bench.skel.h
$B/poise-bench: $(call obj,$(BENCH_SRC)) $B/libpoise.a
	$(say) LD $@
	$Q $(LINK) $^ $(PKG_LIBS) -o $@

lint: $B/gen/bench.skel.h $B/gen/abi3.skel.h

.PHONY: bench
bench: need-root $B/poise-bench
	$Q $B/poise-bench $(if $(QUICK),--quick)

# ---- instructions per packet, counted by QEMU, beside tests/budget.txt
.PHONY: bench-insn
bench-insn: need-root
	$Q tools/deps.sh build kernel
	$Q $(MAKE) --no-print-directory $B/poise-bench
	$Q tools/bench-insn

# ---- who breaks connections: tools/bench-churn/run.sh, SUBJECTS="poise nftables" picks some
CHURN_TOOLS := $(addprefix $B/tests/net/peers/,churn_client churn_server xdp_pass)

.PHONY: bench-churn
bench-churn: need-root
	$Q tools/deps.sh build churn
	$Q $(MAKE) --no-print-directory all $(CHURN_TOOLS)
	$Q tools/bench-churn/run.sh $(SUBJECTS)

# ---- beside other balancers: tools/bench-peers/run.sh, SUBJECTS="poise-nat nftables" picks some
$B/tools/bench-peers/prog_time: $B/obj/tools/bench-peers/prog_time.o
	$(say) LD $@
	$Q mkdir -p $(@D)
	$Q $(LINK) $^ $(PKG_LIBS) -o $@

.PHONY: bench-peers
bench-peers: need-root
	$Q tools/deps.sh build peers
	$Q $(MAKE) --no-print-directory all $B/tests/net/peers/xdp_pass $B/tools/bench-peers/prog_time
	$Q tools/bench-peers/run.sh $(SUBJECTS)
