# lwIP for the host, under the address sanitizer, and the tests and fuzzers that stand on it. Included by deps/lwip.mk; HOST_CC,
# WARN and SANITIZE are the Makefile's.

LWIP_HOST_FLAGS = -std=gnu17 -O1 -g -fno-omit-frame-pointer -Itests/host -Ixen-sys/include -Ixen/include -Istardust/include \
	-Istardust -Istardust/net $(LWIP_INCLUDES)
LIBLWIP_HOST := $(BUILD)/deps/liblwip-host.a

$(BUILD)/deps/lwip-host/%.o: $(LWIP_READY) $(wildcard stardust/net/port/*.h stardust/net/port/arch/*.h) deps/lwip-host.mk
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(LWIP_HOST_FLAGS) -w -fsanitize=address,fuzzer-no-link -c -o $@ $(LWIP_SOURCE)/src/$*.c

$(LIBLWIP_HOST): $(patsubst $(BUILD)/deps/lwip/%,$(BUILD)/deps/lwip-host/%,$(filter-out %/init.o,$(LWIP_OBJECTS))) \
		$(BUILD)/deps/lwip-host/core/init.o
	@rm -f $@
	$(Q)$(AR) rcsD $@ $^

$(BUILD)/deps/lwip-host/core/init.o: LWIP_HOST_FLAGS += -DSD_NET_LARGEST_OPTIONS
$(BUILD)/deps/lwip-host/core/tcp.o: LWIP_HOST_FLAGS += -DSD_NET_SOCKETS_GIVE_UP

NET_HEADERS = $(wildcard stardust/net/*.h stardust/net/*/*.h stardust/include/stardust/*.h xen/include/xenlib/*.h \
	xen/include/xenlib/front/*.h tests/host/*.h)

host-tests: $(BUILD)/host-tests/net_transmit
$(BUILD)/host-tests/net_transmit: tests/host/lwip/test_net_transmit.c stardust/net/transmit.c stardust/net/checksum.c stardust/net/nameserver.c \
		$(LIBLWIP_HOST) $(NET_HEADERS)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(LWIP_HOST_FLAGS) $(WARN) $(SANITIZE) -o $@ $(filter %.c,$^) $(LIBLWIP_HOST)

host-tests: $(BUILD)/host-tests/net_hooks
$(BUILD)/host-tests/net_hooks: tests/host/lwip/test_net_hooks.c \
		$(addprefix stardust/net/,hooks.c orphan.c syn_cookie.c time_wait.c tcp_port.c nameserver.c) $(LIBLWIP_HOST) $(NET_HEADERS)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(LWIP_HOST_FLAGS) $(WARN) $(SANITIZE) -o $@ $(filter %.c,$^) $(LIBLWIP_HOST)

host-tests: $(BUILD)/host-tests/net_publish
$(BUILD)/host-tests/net_publish: tests/host/lwip/test_net_publish.c stardust/net/publish.c $(NET_HEADERS) $(LIBLWIP_HOST)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(LWIP_HOST_FLAGS) $(WARN) $(SANITIZE) -o $@ $(filter %.c,$^)

# An interface with all that is behind it.
INTERFACE := $(addprefix stardust/net/,interface.c receive.c transmit.c timers.c checksum.c hooks.c neighbour.c orphan.c path.c \
	syn_cookie.c time_wait.c nameserver.c)
LINK := tests/host/lwip/link.c $(INTERFACE) $(LIBLWIP_HOST) $(NET_HEADERS) tests/host/lwip/link.h

host-tests: $(BUILD)/host-tests/net_path
$(BUILD)/host-tests/net_path: tests/host/lwip/test_net_path.c $(LINK)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(LWIP_HOST_FLAGS) $(WARN) $(SANITIZE) -o $@ $(filter %.c,$^) $(LIBLWIP_HOST)

host-tests: $(BUILD)/host-tests/net_flood $(BUILD)/host-tests/net_retransmit
$(BUILD)/host-tests/net_flood $(BUILD)/host-tests/net_retransmit: $(BUILD)/host-tests/net_%: tests/host/lwip/test_net_%.c $(LINK)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(LWIP_HOST_FLAGS) $(WARN) $(SANITIZE) -o $@ $(filter %.c,$^) $(LIBLWIP_HOST)

host-tests: $(BUILD)/host-tests/net_timers
$(BUILD)/host-tests/net_timers: tests/host/lwip/test_net_timers.c $(addprefix stardust/net/,timers.c hooks.c orphan.c path.c syn_cookie.c time_wait.c checksum.c \
		nameserver.c) $(LIBLWIP_HOST) $(NET_HEADERS)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(LWIP_HOST_FLAGS) $(WARN) $(SANITIZE) -o $@ $(filter %.c,$^) $(LIBLWIP_HOST)

fuzz: $(BUILD)/fuzz/net_input
$(BUILD)/fuzz/net_input: tests/fuzz/lwip/fuzz_net_input.c stardust/net/address.c $(INTERFACE) $(LIBLWIP_HOST) $(NET_HEADERS)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(LWIP_HOST_FLAGS) $(WARN) $(SANITIZE) -fsanitize=fuzzer -o $@ $(filter %.c,$^) $(LIBLWIP_HOST)
