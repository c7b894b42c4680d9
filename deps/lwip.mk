# lwIP as a library, with our options (stardust/net/port). Included by the Makefile after musl.mk. Gives LWIP_READY,
# LWIP_INCLUDES (for everything that includes lwIP's headers: stardust/net and programs) and LIBLWIP.

LWIP_SOURCE := $(BUILD)/deps/src/lwip
LWIP_READY := $(LWIP_SOURCE)/.pin
LIBLWIP := $(BUILD)/deps/liblwip.a
LWIP_INCLUDES := -isystem $(LWIP_SOURCE)/src/include -Istardust/net/port

LWIP_OBJECTS := $(addprefix $(BUILD)/deps/lwip/, \
	core/def.o core/inet_chksum.o core/init.o core/ip.o core/mem.o core/memp.o core/netif.o core/pbuf.o core/raw.o \
	core/tcp.o core/tcp_in.o core/tcp_out.o core/udp.o \
	core/ipv4/dhcp.o core/ipv4/etharp.o core/ipv4/icmp.o core/ipv4/ip4.o core/ipv4/ip4_addr.o core/ipv4/ip4_frag.o \
	core/ipv6/ethip6.o core/ipv6/icmp6.o core/ipv6/ip6.o core/ipv6/ip6_addr.o core/ipv6/ip6_frag.o \
	core/ipv6/mld6.o core/ipv6/nd6.o netif/ethernet.o)

LWIP_FLAGS = $(KCFLAGS) -std=gnu17 -ffreestanding -fbuiltin $(C_INCLUDES) -Wall -Wno-address -ffunction-sections -fdata-sections \
	-Ixen/include -Istardust/include $(LWIP_INCLUDES)

$(LWIP_READY): deps/pins deps/fetch
	$(Q)deps/fetch -o $(BUILD)/deps/src lwip

$(BUILD)/deps/lwip/%.o: $(LWIP_READY) $(MUSL_READY) $(wildcard stardust/net/port/*.h stardust/net/port/arch/*.h) deps/lwip.mk
	@mkdir -p $(@D)
	$(KCC) $(LWIP_FLAGS) -c -o $@ $(LWIP_SOURCE)/src/$*.c

# init.c holds the preprocessor's checks of the options, which cannot see the run-time ones.
$(BUILD)/deps/lwip/core/init.o: LWIP_FLAGS += -DSD_NET_LARGEST_OPTIONS
$(BUILD)/deps/lwip/core/tcp.o: LWIP_FLAGS += -DSD_NET_SOCKETS_GIVE_UP
# The one file whose copies come from a program's memory.
$(BUILD)/deps/lwip/core/tcp_out.o: LWIP_FLAGS += -DSD_NET_COPY_FROM_PROGRAM

$(LIBLWIP): $(LWIP_OBJECTS)
	rm -f $@
	$(AR) rcsD $@ $^

include deps/lwip-host.mk
