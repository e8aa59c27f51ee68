# SPDX-License-Identifier: BSD-2-Clause
# Everything lands in build/. `make help` lists what can be made; V=1 shows the commands.

VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=

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
BPF_CFLAGS := -std=gnu11 -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Wno-unused-function -Wno-unused-parameter \
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
$B/libpoise.a $B/libpoised.a $B/asan/libpoise.a $B/asan/libpoised.a:
	$(say) AR $@
	$Q rm -f $@ && ar rcs $@ $^

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

$B/tests/unit/%: $B/asan/tests/unit/%.o $B/asan/libpoised.a $B/asan/libpoise.a
	$(say) LD $@
	$Q mkdir -p $(@D)
	$Q $(CC) $(ASAN) $^ $(PKG_LIBS) -lcmocka -lm -o $@

# ---- packet tests (root): each test_<name> runs packets through a loaded program; what they share
# is every other file of the directory
PACKET := $(patsubst tests/packet/%.c,$B/tests/packet/%,$(wildcard tests/packet/test_*.c))
PACKET_SHARED := $(filter-out tests/packet/test_%.c,$(wildcard tests/packet/*.c))

$B/obj/tests/packet/%.o: override CPPFLAGS += -Iuser -Itests/packet
$B/tests/packet/%: $B/obj/tests/packet/%.o $(call obj,$(PACKET_SHARED)) $B/libpoised.a $B/libpoise.a
	$(say) LD $@
	$Q mkdir -p $(@D)
	$Q $(CC) $(CFLAGS) -pie $(LDFLAGS) $^ $(PKG_LIBS) -o $@

.SECONDARY:
.PHONY: clean
clean:
	rm -rf $B

-include $(wildcard $B/bpf/*.d) $(shell [ -d $B ] && find $B -name '*.d')
