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
say = @printf '  %-7s %s\n'
endif

LIBS := libbpf libelf zlib libuv libcurl libmicrohttpd jansson yaml-0.1 libmnl smartcols
PKG_CFLAGS = $(shell pkg-config --cflags $(LIBS))
PKG_LIBS   = $(shell pkg-config --libs $(LIBS))

WARN   := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	  -Wwrite-strings -Wvla -Wno-missing-field-initializers
CFLAGS ?= -O2 -g
override CPPFLAGS += -D_GNU_SOURCE -DPOISE_VERSION='"$(VERSION)"' -Iinclude -Iuser/lib -I$B/gen
USER_CFLAGS = -std=gnu11 $(WARN) $(CFLAGS) -fstack-protector-strong -fPIE $(PKG_CFLAGS)
ASAN := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all

# __bpf__ is clang's own macro for the target; -mcpu=v3 is 32-bit jumps and atomics, kernel 5.12.
BPF_CFLAGS := -std=gnu11 -O2 -g -target bpf -mcpu=v3 -fno-strict-aliasing -Wall -Wextra -Wno-unused-function -Wno-unused-parameter \
	      -Wno-missing-declarations -Iinclude -Ivmlinux -Ibpf -I$B/gen

LIB_SRC    := $(wildcard user/lib/*.c)
POISED_SRC := $(wildcard user/poised/*.c)
POISE_SRC  := $(wildcard user/poise/*.c)
BPF_SRC    := $(wildcard bpf/*.bpf.c)
SKELETONS  := $(BPF_SRC:bpf/%.bpf.c=$B/gen/%.skel.h)

obj = $(1:%.c=$B/obj/%.o)
aobj = $(1:%.c=$B/asan/%.o)

.PHONY: all
all: $B/poised $B/poise

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

$B/gen/%.skel.h: $B/bpf/%.bpf.o
	$(say) SKEL $@
	$Q mkdir -p $(@D)
	$Q $(BPFTOOL) gen skeleton $< name $*_bpf > $@.tmp && mv $@.tmp $@

# ---- user space
$B/obj/%.o: %.c | $(SKELETONS) $B/.deps
	$(say) CC $<
	$Q mkdir -p $(@D)
	$Q $(CC) $(CPPFLAGS) $(USER_CFLAGS) -MMD -MP -c $< -o $@

$B/libpoise.a: $(call obj,$(LIB_SRC))
$B/libpoised.a: $(call obj,$(filter-out %/main.c,$(POISED_SRC)))
$B/asan/libpoise.a: $(call aobj,$(LIB_SRC))
$B/asan/libpoised.a: $(call aobj,$(filter-out %/main.c,$(POISED_SRC)))
$B/asan/libpoisecmd.a: $(call aobj,$(filter-out %/main.c,$(POISE_SRC)))
$B/libpoise.a $B/libpoised.a $B/asan/libpoise.a $B/asan/libpoised.a $B/asan/libpoisecmd.a:
	$(say) AR $@
	$Q mkdir -p $(@D) && rm -f $@ && ar rcs $@ $^

$B/poised: $B/obj/user/poised/main.o $B/libpoised.a $B/libpoise.a
$B/poise: $(call obj,$(POISE_SRC)) $B/libpoise.a
$B/poised $B/poise:
	$(say) LD $@
	$Q $(CC) $(CFLAGS) -pie $(LDFLAGS) $^ $(PKG_LIBS) -o $@

# ---- unit tests: cmocka under ASan and UBSan, each linked with the modules it calls
UNIT := $(patsubst tests/unit/%.c,$B/tests/unit/%,$(wildcard tests/unit/test_*.c))

$B/asan/%.o: %.c | $(SKELETONS) $B/.deps
	$(say) CC $< "(asan)"
	$Q mkdir -p $(@D)
	$Q $(CC) $(CPPFLAGS) -std=gnu11 $(WARN) $(ASAN) -Iuser $(PKG_CFLAGS) -MMD -MP -c $< -o $@

$B/tests/unit/%: $B/asan/tests/unit/%.o $B/asan/libpoised.a $B/asan/libpoisecmd.a \
		$B/asan/libpoise.a
	$(say) LD $@
	$Q mkdir -p $(@D)
	$Q $(CC) $(ASAN) $^ $(PKG_LIBS) -lcmocka -lm -o $@

# ---- what scenarios run beside poised and poise: tests/net/*.c, built as the unit tests are
NET_TOOLS := $(patsubst %.c,$B/%,$(wildcard tests/net/*.c))

$B/tests/net/%: $B/asan/tests/net/%.o $B/asan/libpoise.a
	$(say) LD $@
	$Q mkdir -p $(@D)
	$Q $(CC) $(ASAN) $^ $(PKG_LIBS) -o $@

$B/tests/net/churn_client: $(call aobj,$(wildcard tests/net/churn/*.c))

# The demo needs this one, too, and no sanitizers for it.
$B/tests/net/xdp_pass: $B/obj/tests/net/xdp_pass.o
	$(say) LD $@
	$Q mkdir -p $(@D)
	$Q $(CC) $(CFLAGS) -pie $(LDFLAGS) $^ $(PKG_LIBS) -o $@

# ---- packet tests (root): each test_<name> runs packets through a loaded program; what they share
# is every other file of the directory
PACKET := $(patsubst tests/packet/%.c,$B/tests/packet/%,$(wildcard tests/packet/test_*.c))
PACKET_SHARED := $(filter-out tests/packet/test_%.c,$(wildcard tests/packet/*.c))

$B/obj/tests/packet/%.o: override CPPFLAGS += -Iuser -Itests/packet
$B/tests/packet/%: $B/obj/tests/packet/%.o $(call obj,$(PACKET_SHARED)) $B/libpoised.a $B/libpoise.a
	$(say) LD $@
	$Q mkdir -p $(@D)
	$Q $(CC) $(CFLAGS) -pie $(LDFLAGS) $^ $(PKG_LIBS) -o $@

# ---- fuzzing: tests/fuzz/*.c are libFuzzer targets over user/lib
FUZZ_TESTS := $(patsubst %.c,$B/%,$(wildcard tests/fuzz/*.c))
FUZZ_CLANG  = $(shell tools/deps.sh --clang-with-fuzzer)
FUZZ_FLAGS := -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all

$B/fuzz/%.o: %.c | $B/.deps
	$(say) CC $< "(fuzzer)"
	$Q mkdir -p $(@D)
	$Q $(FUZZ_CLANG) $(CPPFLAGS) -std=gnu11 $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined \
		$(PKG_CFLAGS) -MMD -MP -c $< -o $@

$B/tests/fuzz/%: $B/fuzz/tests/fuzz/%.o $(LIB_SRC:%.c=$B/fuzz/%.o)
	$(say) LD $@
	$Q mkdir -p $(@D)
	$Q $(FUZZ_CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined $^ $(PKG_LIBS) -o $@

# ---- running tests. The programs are built in a make of their own, which sees what deps installed.
TESTS := unit packet net fuzz
.PHONY: test $(TESTS:%=test-%) test-programs test-kernel need-root
test: need-root
	$Q tools/deps.sh build test
	$Q $(MAKE) --no-print-directory all test-programs
	$Q tools/test.sh $(TESTS)

test-unit: $(UNIT)
	$Q tools/test.sh unit
test-fuzz: $(FUZZ_TESTS)
	$Q tools/test.sh fuzz
test-packet: need-root $(PACKET)
	$Q tools/test.sh packet
test-net: need-root all $(NET_TOOLS)
	$Q tools/test.sh net $(SCENARIO)
test-programs: $(UNIT) $(NET_TOOLS) $(PACKET) $(FUZZ_TESTS)

# The packet tables and tunnel devices as backends, on Debian's stock kernel in QEMU.
test-kernel: need-root
	$Q tools/deps.sh build test kernel
	$Q $(MAKE) --no-print-directory all test-programs
	$Q tools/test-kernel

need-root:
	$Q [ "$$(id -u)" = 0 ] || { echo "root is needed: these tests load BPF programs and make network" \
		"namespaces (try: sudo make ...); make test-unit and make test-fuzz work without" >&2; exit 1; }

# ---- lint: every finding is an error; format applies what lint checks
C_DIRS     := bpf include user tests tools
C_FILES     = $(shell find $(wildcard $(C_DIRS)) -name '*.[ch]')
CLANG_FORMAT ?= $(or $(shell command -v clang-format-14),clang-format)

.PHONY: lint format
lint: $(SKELETONS)
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
	$Q $(MAKE) --no-print-directory all $B/tests/net/xdp_pass
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
	@echo 'make test          every test but test-kernel (root; installs what it needs)'
	@echo 'make test-unit     modules, under ASan and UBSan'
	@echo 'make test-packet   packets through the loaded program (root)'
	@echo 'make test-net      namespace scenarios (root; SCENARIO="udp cli" picks some)'
	@echo 'make test-fuzz     libFuzzer targets, a bounded run'
	@echo 'make test-kernel   packets and tunnel devices on Debian 12'"'"'s kernel in QEMU (root)'
	@echo 'make bench         ns per packet (root)'
	@echo 'make bench-churn   connections broken by changes, beside nftables and HAProxy (root, 5 minutes)'
	@echo 'make bench-peers   requests/s, latency, CPU beside nftables, HAProxy, nginx (root, 10 minutes)'
	@echo 'make lint          formatting, static analysis, file length;  make format'
	@echo 'make install       DESTDIR= PREFIX=/usr/local;  make uninstall'
	@echo 'make clean'

.SECONDARY:
.PHONY: clean
clean:
	rm -rf $B

-include $(wildcard $B/bpf/*.d) $(shell [ -d $B ] && find $B -name '*.d')

# ---- bench: tools/bench/*.c with a harness in the kernel of its own
BENCH_SRC := $(filter-out %.bpf.c,$(wildcard tools/bench/*.c))

$B/tools/bench/bench.bpf.o: tools/bench/bench.bpf.c | $B/.deps
	$(say) BPF $<
	$Q mkdir -p $(@D)
	$Q $(CLANG) $(BPF_CFLAGS) -MMD -MP -MT $@ -c $< -o $@

$B/gen/bench.skel.h: $B/tools/bench/bench.bpf.o
	$(say) SKEL $@
	$Q mkdir -p $(@D)
	$Q $(BPFTOOL) gen skeleton $< name bench_bpf > $@.tmp && mv $@.tmp $@

$(call obj,$(BENCH_SRC)): | $B/gen/bench.skel.h
$B/poise-bench: $(call obj,$(BENCH_SRC)) $B/libpoise.a
	$(say) LD $@
	$Q $(CC) $(CFLAGS) -pie $(LDFLAGS) $^ $(PKG_LIBS) -o $@

lint: $B/gen/bench.skel.h

.PHONY: bench
bench: need-root $B/poise-bench
	$Q $B/poise-bench $(if $(QUICK),--quick)

# ---- who breaks connections: tools/bench-churn/run.sh, SUBJECTS="poise nftables" picks some
CHURN_TOOLS := $B/tests/net/churn_client $B/tests/net/churn_server $B/tests/net/xdp_pass

.PHONY: bench-churn
bench-churn: need-root
	$Q tools/deps.sh build churn
	$Q $(MAKE) --no-print-directory all $(CHURN_TOOLS)
	$Q tools/bench-churn/run.sh $(SUBJECTS)

# ---- beside other balancers: tools/bench-peers/run.sh, SUBJECTS="poise-nat nftables" picks some
$B/tools/bench-peers/prog_time: $B/obj/tools/bench-peers/prog_time.o
	$(say) LD $@
	$Q mkdir -p $(@D)
	$Q $(CC) $(CFLAGS) -pie $(LDFLAGS) $^ $(PKG_LIBS) -o $@

.PHONY: bench-peers
bench-peers: need-root
	$Q tools/deps.sh build peers
	$Q $(MAKE) --no-print-directory all $B/tests/net/xdp_pass $B/tools/bench-peers/prog_time
	$Q tools/bench-peers/run.sh $(SUBJECTS)
