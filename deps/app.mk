# Programs of others, unchanged: apps/NAME/build.sh (deps/build-app runs it) builds them from deps/pins by their own build system.
# Its line `# images: …` names what comes of it; `make NAME` makes all of them. Its pin is called NAME, or what a line `# source: …`
# says; a line `# needs: …` names other pins that it is built with. Included by the Makefile, where images are linked.

UPSTREAM  := $(patsubst apps/%/build.sh,%,$(wildcard apps/*/build.sh))
images_of  = $(shell sed -n 's/^\# images: //p' apps/$(1)/build.sh)
source_of  = $(or $(shell sed -n 's/^\# source: //p' apps/$(1)/build.sh),$(1))
needs_of   = $(source_of) $(shell sed -n 's/^\# needs: //p' apps/$(1)/build.sh)
IMAGES    := $(foreach a,$(UPSTREAM),$(call images_of,$(a)))

SOURCES   := $(sort $(foreach a,$(UPSTREAM),$(call needs_of,$(a))))
$(SOURCES:%=$(BUILD)/deps/src/%/.pin): $(BUILD)/deps/src/%/.pin: deps/pins deps/fetch
	$(Q)deps/fetch -o $(BUILD)/deps/src $*

define upstream
$(foreach i,$(call images_of,$(1)),$(BUILD)/$(i).elf) &: $(patsubst %,$(BUILD)/deps/src/%/.pin,$(call needs_of,$(1))) $(wildcard apps/$(1)/*) deps/build-app $(SDK)
	$$(call say,UPSTREAM,$(1))
	+$$(Q)CC='$(CC)' V='$(V)' deps/build-app $(BUILD) $(1)
.PHONY: $(1)
$(1): $(foreach i,$(call images_of,$(1)),$(BUILD)/$(i))
endef
$(foreach a,$(UPSTREAM),$(eval $(call upstream,$(a))))
.PHONY: upstream $(IMAGES)
upstream: $(UPSTREAM)
$(filter-out $(UPSTREAM),$(IMAGES)): %: $(BUILD)/%
