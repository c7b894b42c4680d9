# The SDK: build/sdk, which `make install PREFIX=… DESTDIR=…` copies as it is; its parts find each other, so it may be moved.
# Included by the Makefile; gives SDK, a file that is there when the SDK is.

TRIPLET := x86_64-stardust-linux-musl
SDK_ROOT := $(BUILD)/sdk
SDK := $(SDK_ROOT)/$(TRIPLET)/lib/stardust/ready
LIBC_PARTS := $(SDK)

# The image of a program has a header for thread-local variables besides, without which strip would misplace them; and places for
# what code of others may have: a table of addresses (-fPIC), functions that run before main.
LIBC_LDS := $(BUILD)/libc.lds
$(LIBC_LDS): xen/image.lds sdk/sdk.mk
	@sed -e 's/^    note PT_NOTE.*/&\n    tls PT_TLS FLAGS(4);/' -e '/^    \.tdata/,/^    PROVIDE/s/} :rodata/} :rodata :tls/' \
		-e 's/\*(\.data \.data\.\*)/*(.data .data.* .got .got.plt)/' $< > $@

# The compiler's runtime library, with functions of ours in place of those that a guest cannot run.
RUNTIME := $(BUILD)/libruntime.a
RUNTIME_REPLACED := _mulsc3 _mulxc3 _divsc3 _divxc3 _fixunsxfsi _floatdixf _floatundixf _divdi3 _moddi3 _divmoddi4 _udivdi3 _umoddi3 \
	_udivmoddi4 sfp-exceptions negtf2 floatsitf floatunsitf floatditf floatunditf
$(BUILD)/obj/sdk/%: FLAGS = $(BASE)
$(RUNTIME): $(call objects,$(wildcard sdk/runtime/*.c))
	@cp $(shell gcc -print-libgcc-file-name) $@ && chmod u+w $@
	@$(AR) dD $@ $(addsuffix .o,$(RUNTIME_REPLACED))
	@$(AR) rcsD $@ $^

# In place of libxen.a, where a program is to be a process of Linux (stardust-cc --host): with those parts of it that ask nobody.
LIBHOST := $(BUILD)/libhost.a
$(BUILD)/obj/sdk/host/%: FLAGS = $(KERNEL)
$(LIBHOST): $(call objects,$(wildcard sdk/host/*.[cS]) $(addprefix xen/src/,format.c x86_64/address.c x86_64/trap.c x86_64/try.S))
	@rm -f $@
	@$(AR) rcsD $@ $^

# Our own libraries are examined here, once, for what every link looks for in all other code (sdk/stardust-ld).
SDK_ARCHIVES := $(LIBHOST) $(LIBPOSIX) $(LIBS) $(LIBCSTR) $(LIBLWIP) $(LIBC) $(LIBENOSYS)
SDK_EXAMINED := $(addsuffix .examined,$(filter-out %libxensys.a,$(SDK_ARCHIVES))) # which has no code of its own
$(BUILD)/%.a.examined: $(BUILD)/%.a tools/check-redzone
	@tools/check-redzone $< && touch $@

# What a program names with -l and is in the C library: empty, as musl has them. The real one comes last (sdk/stardust-ld).
SDK_EMPTY := c m pthread rt dl util crypt resolv xnet
SDK_TOOLS := ar as ranlib nm strip objcopy objdump readelf size strings addr2line
SDK_FILES := $(wildcard sdk/stardust* sdk/clang.* sdk/*.cmake sdk/config.site) sdk/sdk.mk
$(SDK): $(SDK_ARCHIVES) $(SDK_EXAMINED) $(RUNTIME) $(LIBC_LDS) $(SDK_FILES) tools/check-redzone
	$(call say,SDK,$(SDK_ROOT))
	@rm -rf $(SDK_ROOT)
	@mkdir -p $(SDK_ROOT)/bin $(SDK_ROOT)/share/stardust $(SDK_ROOT)/$(TRIPLET)/bin
	@mkdir -p $(SDK_ROOT)/$(TRIPLET)/lib/stardust $(SDK_ROOT)/$(TRIPLET)/lib/pkgconfig
	@cp -R $(MUSL_INCLUDE) $(SDK_ROOT)/$(TRIPLET)/include
	@cp $(SDK_ARCHIVES) $(RUNTIME) sdk/stardust.specs sdk/clang.options sdk/clang.last $(SDK_ROOT)/$(TRIPLET)/lib/stardust/
	@cp $(LIBC_LDS) $(SDK_ROOT)/$(TRIPLET)/lib/stardust/stardust.lds
	@cp tools/check-redzone $(SDK_ROOT)/$(TRIPLET)/lib/stardust/redzone.py
	@for name in $(SDK_EMPTY); do $(AR) rcD $(SDK_ROOT)/$(TRIPLET)/lib/lib$$name.a; done
	@cp sdk/stardust.pc $(SDK_ROOT)/$(TRIPLET)/lib/pkgconfig/
	@cp sdk/stardust.cmake sdk/static.cmake sdk/stardust.meson sdk/config.site $(SDK_ROOT)/share/stardust/
	@cp sdk/stardust-cc sdk/stardust-c++ sdk/stardust-ld sdk/stardust-pkg-config $(SDK_ROOT)/bin/
	@cp sdk/stardust-tool $(SDK_ROOT)/$(TRIPLET)/bin/tool
	@ln -s ../../bin/stardust-ld $(SDK_ROOT)/$(TRIPLET)/bin/ld
	@cd $(SDK_ROOT)/bin && ln -s stardust-cc stardust-clang && \
		for name in cc gcc clang; do ln -s stardust-cc $(TRIPLET)-$$name; done && \
		for name in c++ g++; do ln -s stardust-c++ $(TRIPLET)-$$name; done && \
		for name in ld pkg-config; do ln -s stardust-$$name $(TRIPLET)-$$name; done && \
		for name in $(SDK_TOOLS); do \
			ln -s ../$(TRIPLET)/bin/tool stardust-$$name; ln -s ../$(TRIPLET)/bin/tool $(TRIPLET)-$$name; done
	@touch $@

PREFIX := /usr/local
.PHONY: sdk install
sdk: $(SDK)

# clang's own file names this place, as clang 14 knows no relative one; stardust-clang does without.
install: $(SDK)
	mkdir -p $(DESTDIR)$(PREFIX)
	cp -R $(SDK_ROOT)/. $(DESTDIR)$(PREFIX)/
	sed 's|@SDK@|$(PREFIX)|g' sdk/clang.options sdk/clang.last > $(DESTDIR)$(PREFIX)/share/stardust/clang.cfg
