# The objects of the suites by the rules that CMake made for them, without linking each.
OBJECTS := $(foreach s,$(SUITES),tests/CMakeFiles/$(s).dir/$(s).c.o)
all: $(OBJECTS)
.PHONY: all $(OBJECTS)
$(OBJECTS): tests/CMakeFiles/%.c.o:
	$(MAKE) -f tests/CMakeFiles/$(notdir $*).dir/build.make $@
