# From musl's sources: headers for freestanding code, and the few string and ctype functions that the kernel and lwIP call.
# Included by the Makefile, which sets BUILD, KCC and KCFLAGS (the kernel's flags without its warnings). Gives
# MUSL_READY (order-only prerequisite of everything compiled), C_INCLUDES (in place of the compiler's own search path) and LIBCSTR.

MUSL_SOURCE := $(BUILD)/deps/src/musl
MUSL_INCLUDE := $(BUILD)/deps/musl/include
XEN_INCLUDE := $(BUILD)/deps/xen-include
LIBCSTR := $(BUILD)/deps/libcstr.a
MUSL_READY := $(BUILD)/deps/musl/ready

# The compiler's own headers first (stdint.h, stddef.h …), then musl's, then libxen-dev's: /usr/include itself stays out.
C_INCLUDES = -nostdinc -isystem $(shell $(KCC) -print-file-name=include) -isystem $(MUSL_INCLUDE) \
	-isystem $(XEN_INCLUDE)

MUSL_STRING := memccpy memchr memcmp memmem memrchr mempcpy stpcpy stpncpy strcasecmp strcat strchr strchrnul strcmp \
	strcpy strcspn strlcat strlcpy strlen strncasecmp strncat strncmp strncpy strnlen strpbrk strrchr strsep strspn strstr \
	strtok_r
MUSL_STRING_ASM := memcpy memmove memset
MUSL_CTYPE := isalnum isalpha isascii isblank iscntrl isdigit isgraph islower isprint ispunct isspace isupper isxdigit \
	tolower toupper
MUSL_STDLIB := abs atoi atol

MUSL_OBJECTS := $(addprefix $(BUILD)/deps/musl/string/,$(addsuffix .o,$(MUSL_STRING))) \
	$(addprefix $(BUILD)/deps/musl/string/x86_64/,$(addsuffix .o,$(MUSL_STRING_ASM))) \
	$(addprefix $(BUILD)/deps/musl/ctype/,$(addsuffix .o,$(MUSL_CTYPE))) \
	$(addprefix $(BUILD)/deps/musl/stdlib/,$(addsuffix .o,$(MUSL_STDLIB)))

MUSL_FLAGS = $(KCFLAGS) -std=c99 -ffreestanding -nostdinc -w $(if $(findstring clang,$(KCC)),-fno-builtin,-fno-tree-loop-distribute-patterns) -ffunction-sections -fdata-sections -D_XOPEN_SOURCE=700 \
	-I$(MUSL_SOURCE)/arch/x86_64 -I$(MUSL_SOURCE)/arch/generic -I$(MUSL_SOURCE)/src/include -I$(MUSL_SOURCE)/src/internal \
	-I$(MUSL_INCLUDE)

# deps/fetch leaves what is the same as it is, so that a new pin of another does not build this anew.
$(MUSL_SOURCE)/.pin: deps/pins deps/fetch
	$(Q)deps/fetch -o $(BUILD)/deps/src musl

# The bits/ directory as musl's own Makefile makes it. Removed first, so that a change of the pin leaves nothing behind.
$(MUSL_READY): $(MUSL_SOURCE)/.pin deps/musl.mk
	rm -rf $(MUSL_INCLUDE) $(XEN_INCLUDE)
	mkdir -p $(BUILD)/deps/musl $(XEN_INCLUDE)
	cp -R $(MUSL_SOURCE)/include $(MUSL_INCLUDE)
	mkdir -p $(MUSL_INCLUDE)/bits
	cp $(MUSL_SOURCE)/arch/generic/bits/*.h $(MUSL_INCLUDE)/bits/
	cp $(MUSL_SOURCE)/arch/x86_64/bits/*.h $(MUSL_INCLUDE)/bits/
	sed -f $(MUSL_SOURCE)/tools/mkalltypes.sed $(MUSL_SOURCE)/arch/x86_64/bits/alltypes.h.in \
		$(MUSL_SOURCE)/include/alltypes.h.in > $(MUSL_INCLUDE)/bits/alltypes.h
	sed -n -e 'p;s/__NR_/SYS_/p' $(MUSL_SOURCE)/arch/x86_64/bits/syscall.h.in > $(MUSL_INCLUDE)/bits/syscall.h
	test -f /usr/include/xen/xen.h || { echo "libxen-dev is missing: apt-get install libxen-dev" >&2; exit 1; }
	ln -sfn /usr/include/xen $(XEN_INCLUDE)/xen
	touch $@

$(BUILD)/deps/musl/%.o: $(MUSL_READY) deps/musl.mk
	@mkdir -p $(@D)
	$(KCC) $(MUSL_FLAGS) -c -o $@ $(firstword $(wildcard $(MUSL_SOURCE)/src/$*.s $(MUSL_SOURCE)/src/$*.c))

$(LIBCSTR): $(MUSL_OBJECTS)
	rm -f $@
	$(AR) rcsD $@ $^
