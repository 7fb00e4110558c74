# Many Hands: process pools in C.  `make` says what is next, `make help` lists what can be made.

VERSION = 1.0.0
CROSS   =                       # aarch64-linux-gnu-: builds for another machine
CC      = $(CROSS)gcc
BUILD   = build

CFLAGS  = -std=gnu11
CFLAGS += -O2                   # as fast as it will be used
CFLAGS += -g                    # with names and lines for gdb, valgrind and the sanitizers
CFLAGS += -Wall -Wextra         # what compilers find suspicious
CFLAGS += -Wpedantic            # what the C standard does not allow
CFLAGS += -Wmissing-prototypes  # a function without a header ought to be static
CFLAGS += -Werror               # and none of it is let through
CFLAGS += -fno-plt              # C functions are looked up once, not again in each new worker
CFLAGS += $(EXTRA)              # make EXTRA=-fsanitize=address ...
COMPILE = $(CC) $(strip $(CFLAGS))
LEARN   = $(COMPILE) -Wno-error # a warning is shown, and stops nobody who is learning
INSIDE  = -fexceptions -fno-lto # of the library: functions of the program's may throw; and objcopy needs to see names

# From the ground up: nobody calls a function of a file behind its own (make check-floors).
FLOORS    = region machine memory error self ticket note output trace guard run once heal worker life nursery spawn thread \
            result job alive callback wait inline submit each star iter queue look poll open
SOURCES   = $(FLOORS:%=pool/%.c)
OBJECTS   = $(SOURCES:pool/%.c=$(BUILD)/%.o)
LIBRARY   = $(BUILD)/libpool.a
CHAPTERS  = $(sort $(foreach c,$(filter-out %does-not-compile.c,$(wildcard chapters/ch*.c)),$(firstword $(subst -, ,$(notdir $c)))))
EXERCISES = $(sort $(foreach e,$(wildcard exercises/ex[0-9][0-9]-*.c),$(firstword $(subst -, ,$(notdir $e)))))
USE       = -Ipool -Ichapters -Iexercises

ifneq ($(shell uname -s),Linux)  # elsewhere the first header that is missing would say it less clearly
$(error Many Hands needs Linux (x86-64, ARM64). On Windows use WSL2; on macOS a container, a virtual machine or \
Codespaces: see "How to follow" in book.md)
endif

.DEFAULT_GOAL = next
.SECONDEXPANSION:
.PHONY: next help list doctor lib compile chapters test setup clean

# --- Where you are --------------------------------------------------------------------------------------

next help list doctor:
	@sh tools/guide.sh $@

.DEFAULT:
	@sh tools/guide.sh unknown $@

# A chapter that is asked for by its name is remembered as read.
READ := $(foreach c,$(filter $(CHAPTERS),$(MAKECMDGOALS)),$(shell sh tools/guide.sh read $(c)))

# --- The library ----------------------------------------------------------------------------------------

lib: $(LIBRARY)

$(BUILD)/%.o: pool/%.c $(wildcard pool/*.h)
	@mkdir -p $(BUILD)
	@echo '  compiling $<'
	@$(COMPILE) $(INSIDE) -c -o $@ $<

# One object in which only the names pool_... can be seen: a program may call its own functions what it likes.
$(BUILD)/all.o: $(OBJECTS)
$(BUILD)/all.o $(BUILD)/shared/all.o:
	@$(CC) -r -nostdlib -o $@ $^
	@$(CROSS)objcopy --wildcard --keep-global-symbol='pool_*' -W __gcc_personality_v0 -W _Unwind_Resume $@

$(LIBRARY): $(BUILD)/all.o
	@echo '  making $@'
	@rm -f $@ && $(CROSS)ar rcs $@ $<

# --- Chapters and exercises: make ch03 && ./ch03, make ex01 && ./ex01 -----------------------------------

# Some want a library, and name it in their opening comment. Without it they are built all the same, and say so when they
# are run; once it is there, its mark $(BUILD)/has... is new, and they are built again.
SOURCE_OF = $(wildcard chapters/$(1)-*.c exercises/$(1)-*.c)
WANTED   := $(shell grep -l '^ \* Packages: .*-l' chapters/ch*.c exercises/ex*.c)
HAS       = $(if $(filter $(WANTED),$(SOURCE_OF)),$(shell CC='$(CC)' sh tools/needs.sh libraries $(SOURCE_OF)))
MARKS     = $(patsubst -l%,$(BUILD)/has%,$(HAS))
SHARED    = $(filter-out chapters/ch%.c,$(wildcard chapters/*.[ch])) # by chapters

$(CHAPTERS): $$(call SOURCE_OF,$$@) $(SHARED) $(LIBRARY) $$(call MARKS,$$@) | lanes
	$(LEARN) $(USE) -o $@ $< $(LIBRARY) $(call HAS,$@)

$(EXERCISES): $$(call SOURCE_OF,$$@) $(wildcard exercises/*.h) $(LIBRARY) $$(call MARKS,$$@) | lanes
	$(LEARN) $(USE) -o $@ $< $(LIBRARY) $(call HAS,$@)

$(BUILD)/has%:
	@mkdir -p $(BUILD) && touch $@

chapters: $(CHAPTERS)

lanes: tools/lanes.c # draws which worker ran what: ./lanes ./ch09
	$(COMPILE) -o $@ $<

# Any program that uses the pool: make compile SOURCE=my.c PROGRAM=my
compile: $(LIBRARY)
	$(COMPILE) $(USE) -o $(PROGRAM) $(SOURCE) $(LIBRARY) $(shell CC='$(CC)' sh tools/needs.sh libraries $(SOURCE))

# --- Tests ----------------------------------------------------------------------------------------------

# All of them; one file: make bats FILES=tests/ch03.bats; some tests of the library: build/unit D05 imap
test: has-what-tests-need $(LIBRARY) $(BUILD)/run $(BUILD)/unit $(BUILD)/torture $(BUILD)/steps chapters
	@prove -j$$(nproc) --failures --comments -e 'bash tests/tap.bash' $(BUILD)/unit tests/*.bats

# Installs what the tests and the bench need (Debian, Ubuntu).
setup:
	sh tools/setup.sh all

clean:
	rm -rf build lanes ch[0-9][0-9] ch[0-9][0-9][a-z] ex[0-9][0-9]

# --- And what few need: material for chapters, checks with other tools, make install, the book, comparisons ---

include tools/grade.mk tools/material.mk tests/check.mk tools/install.mk tools/book.mk tools/bench.mk
