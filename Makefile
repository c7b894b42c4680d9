# Builds images (build/NAME, and build/NAME.elf with names and lines), the guest's test image and the host's tests.
# bin/stardust calls it and installs what it needs; `make CC=clang` builds the same with the other compiler.
#
#   make hello          an app of apps/             make host-tests   build/host-tests/*
#   make test-image     build/test                  make fuzz         build/fuzz/*
#   make apps           all of ours                 make upstream     those of others, from their tarballs (apps/*/build.sh)
#   make sdk            build/sdk                   make install      the SDK to DESTDIR/PREFIX (/usr/local)
#                                                   make check        format, linters, both compilers, red zone

CC     := gcc
BUILD  := build
AR     := ar

# One set for all our code. -ffreestanding alone makes memcpy a call whatever the size; with -fbuiltin a copy of a constant size is
# an instruction or two. Frame pointers are for backtraces; the red zone would be overwritten by Xen (docs/internals.md).
WARN   := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wwrite-strings \
          -Wpointer-arith -Wvla -Wconversion
BASE   := -std=gnu17 -O2 -g -ffreestanding -fbuiltin -fno-common -fno-pic -fno-pie -mno-red-zone -mcmodel=small \
          -fno-omit-frame-pointer $(if $(findstring clang,$(CC)),,-fno-shrink-wrap) -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none \
          -ffunction-sections -fdata-sections -ffile-prefix-map=$(CURDIR)=.
# What an event handler may interrupt, or run, leaves the vector registers alone.
KERNEL := $(BASE) -mgeneral-regs-only

# `make V=1` shows the commands.
Q := $(if $(V),,@)
say = @printf '  %-8s %s\n' $(1) $(2)

.PHONY: all apps bench-images test-image host-tests fuzz check clean
all: apps test-image

# For the recipes in deps/: compiler and flags.
KCC     := $(CC)
KCFLAGS := $(KERNEL)
include deps/musl.mk
include deps/lwip.mk
include deps/libc.mk

INCLUDES := -Ixen-sys/include -Ixen-sys/include/x86_64 -Ixen/include -Istardust/include

# ---- the layers: an archive each, so that only what is called gets linked ----

XENSYS_SRC   := $(wildcard xen-sys/src/*.c)
XEN_SRC      := $(shell find xen/src -name '*.c' -o -name '*.S')
POSIX_SRC    := $(wildcard stardust/posix/*.c stardust/posix/x86_64/*.[cS] stardust/fs/*.c stardust/socket/*.c)
STARDUST_SRC := $(filter-out stardust/test/% stardust/posix/% stardust/fs/% stardust/socket/% %/heap_checked.c,$(shell find stardust -name '*.c' -o -name '*.S'))
TEST_SRC     := $(wildcard stardust/test/*.c tests/guest/*.c tests/guest/*/*.c) stardust/mem/heap_checked.c
objects       = $(patsubst %,$(BUILD)/obj/%.o,$(1))

LIBS := $(BUILD)/libstardust.a $(BUILD)/libxen.a $(BUILD)/libxensys.a
$(BUILD)/libstardust.a: $(call objects,$(STARDUST_SRC))
$(BUILD)/libxen.a:      $(call objects,$(XEN_SRC))
$(BUILD)/libxensys.a:   $(call objects,$(XENSYS_SRC))
# Behind the C library's calls. The first comes before libstardust.a, for its start; the last is for calls that nothing else serves.
LIBPOSIX  := $(BUILD)/libposix.a
LIBENOSYS := $(BUILD)/libenosys.a
$(LIBPOSIX):  $(call objects,$(POSIX_SRC)) $(BUILD)/obj/services.o
$(LIBS) $(LIBPOSIX):
	@rm -f $@
	@$(AR) rcsD $@ $^

$(BUILD)/obj/%.c.o: %.c Makefile | $(MUSL_READY) $(LWIP_READY)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(FLAGS) $(WARN) $(INCLUDES) $(C_INCLUDES) -MD -MP -c $< -o $@
$(BUILD)/obj/%.S.o: %.S Makefile | $(MUSL_READY)
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(CC) $(BASE) $(INCLUDES) -MD -MP -c $< -o $@

FLAGS = $(KERNEL)
$(BUILD)/obj/apps/%: FLAGS = $(BASE)
$(BUILD)/obj/%.o: $(BUILD)/deps/libc/%.S
	@mkdir -p $(@D)
	$(Q)$(CC) -c $< -o $@
# What is large, or runs once, is built for size.
SMALL := stardust/posix/% stardust/fs/% stardust/boot/% stardust/trap/% xen/src/store% xen/src/format% xen/src/bus% \
	xen/src/console% xen/src/x86_64/balloon% xen/src/x86_64/start% xen/src/front/net.% \
	$(addprefix stardust/net/,address% control% nameserver% path% publish% orphan% syn_cookie% tcp_port% time_wait%) \
	$(addprefix stardust/socket/,message_control% inet_address% inet_option% tcp_connect% tcp_listen% tcp_option% udp_error%)
$(addprefix $(BUILD)/obj/,$(SMALL)): FLAGS = $(KERNEL) -Os
# And what nearly every call comes through, for speed.
FAST := $(addprefix stardust/posix/,io.c.o read.c.o descriptor.c.o futex.c.o futex_shared.c.o syscall.c.o task.c.o preempt.c.o chacha.c.o)
$(addprefix $(BUILD)/obj/,$(FAST)): FLAGS = $(KERNEL)
$(BUILD)/obj/stardust/net/% $(BUILD)/obj/stardust/socket/%: INCLUDES += $(LWIP_INCLUDES)
$(BUILD)/obj/tests/e2e/programs/raw/%: INCLUDES += $(LWIP_INCLUDES)
$(BUILD)/obj/tests/guest/%: INCLUDES += $(LWIP_INCLUDES) -Istardust
$(BUILD)/obj/bench/guest/%: INCLUDES += $(LWIP_INCLUDES)

# ---- images ----

include sdk/sdk.mk
include deps/app.mk

LINK = $(CC) -nostdlib -static -Wl,-T,xen/image.lds,-n,--gc-sections,--build-id=sha1,--fatal-warnings \
       -Wl,-z,noexecstack

APPS := $(filter-out $(UPSTREAM),$(notdir $(wildcard apps/*)))
apps: $(APPS)
.PHONY: $(APPS)
$(APPS): %: $(BUILD)/%

# An app is the sources of its directory, on all layers; apps/bare proves that xen/ stands without stardust/.
define app
$(BUILD)/$(1).elf: $$(call objects,$$(wildcard apps/$(1)/*.c)) $(LIBS) $(LIBLWIP) $(LIBCSTR) xen/image.lds
	$$(call say,LINK,$$@)
	$$(Q)$$(LINK) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter-out $(2),$$(filter %.a,$$^)) -Wl,--end-group
endef
# A directory with a file `libc` in it holds a C program for the C library; it is compiled and linked as a user would do it.
STARDUST_CC = STARDUST_BUILD=$(BUILD) STARDUST_CC='$(CC)' sdk/stardust-cc -std=gnu17 -O2 -g $(WARN) -Wl,--fatal-warnings
define libc_program
$(BUILD)/$(1).elf: $(wildcard $(2)/*.c) $(wildcard $(2)/*.h) $(SDK)
	$$(call say,LIBCLINK,$$@)
	$$(Q)$$(STARDUST_CC) --no-note -o $$@ $$(filter %.c,$$^)
endef
uses_libc   = $(patsubst $(1)/%/libc,%,$(wildcard $(1)/*/libc))
$(foreach a,$(call uses_libc,apps),$(eval $(call libc_program,$(a),apps/$(a))))
$(foreach p,$(call uses_libc,tests/e2e/programs),$(eval $(call libc_program,e2e-$(p),tests/e2e/programs/$(p))))
$(foreach a,$(filter-out bare $(call uses_libc,apps),$(APPS)),$(eval $(call app,$(a),)))
$(eval $(call app,bare,%/libstardust.a %/liblwip.a))

# Programs that measure: bench/guest/NAME gives build/bench-NAME.
BENCHES := $(notdir $(wildcard bench/guest/*))
define bench
$(BUILD)/bench-$(1).elf: $$(call objects,$$(wildcard bench/guest/$(1)/*.c)) $(LIBS) $(LIBLWIP) $(LIBCSTR) xen/image.lds
	$$(call say,LINK,$$@)
	$$(Q)$$(LINK) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group
endef
$(foreach b,$(BENCHES),$(eval $(call bench,$(b))))
# The same for the C library, with bench/guest-libc/NAME and build/bench-libc-NAME.
LIBC_BENCHES := $(notdir $(patsubst %/,%,$(wildcard bench/guest-libc/*/)))
$(foreach b,$(LIBC_BENCHES),$(eval $(call libc_program,bench-libc-$(b),bench/guest-libc/$(b))))
bench-images: $(addprefix $(BUILD)/bench-,$(BENCHES) $(addprefix libc-,$(LIBC_BENCHES)))

# For the end-to-end tests: programs that run as guests, tests/e2e/programs/NAME gives build/e2e-NAME; and the client, which runs
# in domain 0 without the libraries of this machine.
PROGRAMS := $(notdir $(wildcard tests/e2e/programs/*))
define program
$(BUILD)/e2e-$(1).elf: $$(call objects,$$(wildcard tests/e2e/programs/$(1)/*.c)) $(LIBS) $(LIBLWIP) $(LIBCSTR) xen/image.lds
	$$(call say,LINK,$$@)
	$$(Q)$$(LINK) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group
endef
$(foreach p,$(filter-out $(call uses_libc,tests/e2e/programs),$(PROGRAMS)),$(eval $(call program,$(p))))
$(BUILD)/e2e-client: $(wildcard tests/e2e/client/*.c) tests/e2e/client/client.h
	$(call say,HOSTCC,$@)
	$(Q)gcc -std=gnu17 -O2 -g -Wall -Wextra -Werror -static -o $@ $(filter %.c,$^)
.PHONY: e2e e2e-client
e2e-client: $(BUILD)/e2e-client
e2e: e2e-client $(addprefix $(BUILD)/e2e-,$(PROGRAMS))

$(BUILD)/test.elf: $(call objects,$(TEST_SRC)) $(LIBS) $(LIBLWIP) $(LIBCSTR) xen/image.lds
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group
test-image: $(BUILD)/test

$(BUILD)/%: $(BUILD)/%.elf
	$(Q)objcopy --strip-all $< $@

# ---- host tests: each names in its first lines what it is linked with ----

HOST_CC    := clang
SANITIZE   := -fsanitize=address,undefined -fno-sanitize-recover=undefined
# No PIE: some tests define the linker script's symbols as numbers.
HOST_FLAGS := -std=gnu17 -O1 -g -fno-pie -no-pie -fno-omit-frame-pointer $(WARN) -Itests/host/include -Itests/host -Ixen-sys/include \
              -Ixen/include -Istardust/include -Istardust
HOST_TESTS := $(patsubst tests/host/test_%.c,%,$(wildcard tests/host/test_*.c))
FUZZERS    := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
links       = $(shell sed -n 's|.*links: \(.*\)\*/.*|\1|p' $(1))
find_source = $(firstword $(wildcard $(addsuffix /$(1),xen/src xen-sys/src stardust stardust/mem stardust/time stardust/log \
              stardust/boot stardust/net stardust/posix stardust/posix/x86_64 stardust/fs stardust/sched tests/host)))
sources     = $(1) $(foreach f,$(call links,$(1)),$(or $(call find_source,$(f)),$(error $(1): no source named $(f))))

host-tests: $(addprefix $(BUILD)/host-tests/,$(HOST_TESTS))
fuzz: $(addprefix $(BUILD)/fuzz/,$(FUZZERS))

define host_program
$(BUILD)/$(1): $(call sources,$(2)) $(wildcard tests/host/*.h xen/include/xenlib/*.h xen/include/xenlib/front/*.h xen/src/*.h \
               xen/src/front/*.h xen/src/x86_64/*.h xen/src/x86_64/pvh/*.h stardust/*/*.h stardust/include/stardust/*.h) Makefile
	@mkdir -p $$(@D)
	$$(call say,HOSTCC,$$@)
	$$(Q)$(HOST_CC) $(HOST_FLAGS) $(3) -o $$@ $$(filter %.c %.S,$$^)
endef
$(foreach t,$(HOST_TESTS),$(eval $(call host_program,host-tests/$(t),tests/host/test_$(t).c,$(SANITIZE))))
$(foreach t,$(FUZZERS),$(eval $(call host_program,fuzz/$(t),tests/fuzz/fuzz_$(t).c,$(SANITIZE) -fsanitize=fuzzer)))

# ---- checks ----

# Everything with both compilers, then the linters and the red-zone check over every linked image.
check: all bench-images
	@$(MAKE) --no-print-directory CC=clang BUILD=$(BUILD)/clang all
	@tools/check $(BUILD)/*.elf $(BUILD)/clang/*.elf

clean:
	rm -rf $(BUILD)

.SECONDARY:
.DELETE_ON_ERROR:
-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
