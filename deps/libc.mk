# The C library for programs: all of musl, unpatched, with system calls as functions that the linker resolves (sdk/libc). What musl
# has in assembly for entering a kernel is left out; stardust/posix defines it. Included by the Makefile; gives LIBC.

LIBC := $(BUILD)/deps/libc/libc.a
LIBC_OVERLAY := $(BUILD)/deps/libc/overlay

LIBC_WITHOUT := misc/syscall process/vfork signal/restore thread/__set_thread_area thread/__unmapself thread/clone thread/syscall_cp \
	fenv/fenv passwd/nscd_query
# In assembly that keeps values behind the stack pointer; what is in C serves instead. (For fenv there is sdk/runtime/fenv.c, for nscd_query nscd.c beside it.)
LIBC_NOT_SPECIAL := math/x86_64/exp2l math/x86_64/expm1l

# The sources are known only once they are fetched, so a second make builds them (deps/libc-objects.mk).
$(LIBC): $(MUSL_READY) $(LIBC_OVERLAY)/syscall_names.h $(LIBC_OVERLAY)/version.h deps/libc.mk deps/libc-objects.mk $(wildcard sdk/libc/*.h)
	$(call say,LIBC,$@)
	$(Q)$(MAKE) --no-print-directory -f deps/libc-objects.mk BUILD=$(BUILD) KCC='$(KCC)' SOURCE=$(MUSL_SOURCE) INCLUDE=$(MUSL_INCLUDE) \
		OVERLAY=$(LIBC_OVERLAY) WITHOUT='$(LIBC_WITHOUT)' NOT_SPECIAL='$(LIBC_NOT_SPECIAL)' OUT=$@

$(LIBC_OVERLAY)/syscall_names.h: $(MUSL_READY) deps/libc.mk
	@mkdir -p $(@D)
	@sed -n 's/^#define __NR_\([a-z0-9_]*\).*/long sd_sys_\1();\n#undef SYS_\1\n#define SYS_\1 ((long)sd_sys_\1)/p' \
		$(MUSL_SOURCE)/arch/x86_64/bits/syscall.h.in > $@

$(LIBC_OVERLAY)/version.h: $(MUSL_READY)
	@mkdir -p $(@D)
	@printf '#define VERSION "%s"\n' "$$(cat $(MUSL_SOURCE)/VERSION)" > $@

# The services by number, for syscall(2); and for each name, where nobody defines it, one that says ENOSYS: weak, which is how the
# linked file tells which those are.
LIBC_NUMBERS = sed -n 's/^\#define __NR_\([a-z0-9_]*\)[ \t]*\([0-9]*\).*/\2 \1/p' $(MUSL_SOURCE)/arch/x86_64/bits/syscall.h.in

$(BUILD)/deps/libc/services.S: $(MUSL_READY) deps/libc.mk
	@mkdir -p $(@D)
	@$(LIBC_NUMBERS) | sort -n | awk 'BEGIN { print ".section .rodata.sd_services, \"a\"\n.balign 8\n.globl sd_services\nsd_services:" } \
		{ for (; n < $$1; n++) print ".quad 0"; print ".quad sd_sys_" $$2; n++ } \
		END { print ".globl sd_service_count\nsd_service_count: .long " n "\n.section .note.GNU-stack, \"\", @progbits" }' > $@

# An object each: one that came in for another's sake would stand in the way of the service that a library has, which the linker does
# not look for once there is a weak one (LTO asks for more after it has looked through all libraries once).
ENOSYS_OBJECTS := $(BUILD)/deps/libc/enosys
$(BUILD)/libenosys.a: $(MUSL_READY) deps/libc.mk
	@rm -rf $(ENOSYS_OBJECTS) $@ && mkdir -p $(ENOSYS_OBJECTS)
	@$(LIBC_NUMBERS) | while read -r _ name; do \
		printf '.text\n.weak %s\n.type %s, @function\n%s:\n\tmov $$-38, %%rax\n\tret\n.size %s, . - %s\n.section .note.GNU-stack, "", @progbits\n' \
			sd_sys_$$name sd_sys_$$name sd_sys_$$name sd_sys_$$name sd_sys_$$name | as -o $(ENOSYS_OBJECTS)/$$name.o - || exit 1; done
	@ar rcsD $@ $(ENOSYS_OBJECTS)/*.o
