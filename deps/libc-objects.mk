# musl's objects; called by deps/libc.mk with SOURCE, INCLUDE, OVERLAY, WITHOUT, NOT_SPECIAL, OUT. A file in a folder's x86_64 stands in for the
# one of the same name above it, as in musl's own Makefile.

FOLDER := $(dir $(OUT))
GENERIC := $(patsubst $(SOURCE)/src/%,%,$(wildcard $(SOURCE)/src/*/*.c $(SOURCE)/src/malloc/mallocng/*.c))
SPECIAL := $(filter-out $(addsuffix .s,$(NOT_SPECIAL)),$(patsubst $(SOURCE)/src/%,%,$(wildcard $(SOURCE)/src/*/x86_64/*.[csS])))
REPLACED := $(subst /x86_64/,/,$(basename $(SPECIAL)))
LEFT_OUT := $(WITHOUT) $(foreach w,$(WITHOUT),$(dir $(w))x86_64/$(notdir $(w)))
OBJECTS := $(addprefix $(FOLDER)obj/,$(addsuffix .o,$(filter-out $(LEFT_OUT),$(filter-out $(REPLACED),$(basename $(GENERIC))) $(basename $(SPECIAL)))))

CFLAGS = -std=c99 -nostdinc -ffreestanding -w $(OPTIMIZE) -pipe -fno-pic -fno-pie -mno-red-zone -mcmodel=small -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fno-omit-frame-pointer -fcf-protection=none -ffunction-sections -fdata-sections -D_XOPEN_SOURCE=700 \
	-Isdk/libc -I$(OVERLAY) -I$(SOURCE)/arch/x86_64 -I$(SOURCE)/arch/generic -I$(SOURCE)/src/include -I$(SOURCE)/src/internal -I$(INCLUDE)

# What upstream's configure would build for speed, and what every call comes through; the rest for size.
OPTIMIZE := -Os
FAST := internal/syscall_ret% string/% malloc/mallocng/% thread/__syscall_cp% thread/pthread_cancel% unistd/read% unistd/write%
$(addprefix $(FOLDER)obj/,$(FAST)): OPTIMIZE = -O2

$(FOLDER)obj/env/__libc_start_main.o: CFLAGS += -DSD_LIBC_START
# Two files get a header of ours first, which says what they want memory for.
$(FOLDER)obj/env/__init_tls.o: CFLAGS += -include sdk/libc/init_tls.h
$(FOLDER)obj/thread/pthread_create.o: CFLAGS += -include sdk/libc/thread_stack.h

$(OUT): $(OBJECTS)
	@rm -f $@
	@ar rcsD $@ $^

$(FOLDER)obj/%.o: $(OVERLAY)/syscall_names.h $(wildcard sdk/libc/*.h) deps/libc-objects.mk
	@mkdir -p $(@D)
	@$(KCC) $(CFLAGS) -c -o $@ $(firstword $(wildcard $(addprefix $(SOURCE)/src/$*,.s .S .c)))
