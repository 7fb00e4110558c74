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

# From the ground up: nobody calls a function of a file behind its own (make check-floors).
FLOORS   = error region machine memory self ticket note trace guard run heal worker nursery spawn thread result job alive \
           callback wait submit iter queue look poll open
SOURCES  = $(FLOORS:%=pool/%.c)
OBJECTS  = $(SOURCES:pool/%.c=$(BUILD)/%.o)
LIBRARY  = $(BUILD)/libpool.a
SHARED   = $(BUILD)/shared/libmanyhands.so.$(VERSION)
SONAME   = libmanyhands.so.$(firstword $(subst ., ,$(VERSION)))
CHAPTERS = $(sort $(foreach c,$(wildcard chapters/ch[0-9][0-9]-*.c),$(firstword $(subst -, ,$(notdir $c)))))
EXERCISES = $(sort $(foreach e,$(wildcard exercises/ex[0-9][0-9]-*.c),$(firstword $(subst -, ,$(notdir $e)))))
USE      = -Ipool -Ichapters -Iexercises
WRAPPED  = fork mmap malloc calloc realloc strdup socketpair open fopen poll syscall kill send recv \
           waitpid waitid prlimit pool_open

ifneq ($(shell uname -s),Linux)  # elsewhere the first header that is missing would say it less clearly
$(error Many Hands needs Linux (x86-64, ARM64). On Windows use WSL2; on macOS a container, a virtual machine or \
Codespaces: see "How to follow" in book.md)
endif

.DEFAULT_GOAL = next
.SECONDEXPANSION:
.PHONY: next help list doctor lib compile chapters test has-what-tests-need unit bats check-asan check-valgrind check-clang check-floors \
        check-tsan check-arm64 coverage torture bench peers shared install uninstall has-good-paths grade book-sync book-check \
        figures book reference setup clean

# --- Where you are --------------------------------------------------------------------------------------

next help list doctor:
	@sh tests/guide.sh $@

.DEFAULT:
	@echo "There is no '$@' to make. make list shows the chapters, make help the commands." >&2; exit 2

# --- The library ----------------------------------------------------------------------------------------

lib: $(LIBRARY)

shared: $(SHARED)

$(BUILD)/%.o: pool/%.c $(wildcard pool/*.h)
	@mkdir -p $(BUILD)
	@echo '  compiling $<'
	@$(COMPILE) -c -o $@ $<

$(BUILD)/shared/%.o: pool/%.c $(wildcard pool/*.h)
	@mkdir -p $(BUILD)/shared
	@echo '  compiling $< for sharing'
	@$(COMPILE) -fPIC -c -o $@ $<

# One object in which only the names pool_... can be seen: a program may call its own functions what it likes.
$(BUILD)/all.o: $(OBJECTS)
$(BUILD)/shared/all.o: $(SOURCES:pool/%.c=$(BUILD)/shared/%.o)
$(BUILD)/all.o $(BUILD)/shared/all.o:
	@$(CC) -r -nostdlib -o $@ $^
	@$(CROSS)objcopy --wildcard --keep-global-symbol='pool_*' $@

$(LIBRARY): $(BUILD)/all.o
	@echo '  making $@'
	@rm -f $@ && $(CROSS)ar rcs $@ $<

$(SHARED): $(BUILD)/shared/all.o
	@echo '  making $@'
	@$(COMPILE) -shared -Wl,-soname,$(SONAME) -o $@ $<

# --- Installing: make install PREFIX=$HOME/.local -------------------------------------------------------

# Installed it is called manyhands: many a library may be called pool. DESTDIR is where a package is collected.
PREFIX     = /usr/local
LIBDIR     = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include
LIB_TO     = $(DESTDIR)$(LIBDIR)
INCLUDE_TO = $(DESTDIR)$(INCLUDEDIR)/manyhands
LDCONFIG   = [ -n '$(DESTDIR)' ] || [ "$$(id -u)" -ne 0 ] || PATH=$$PATH:/sbin ldconfig

install: has-good-paths $(LIBRARY) $(SHARED)
	@mkdir -p '$(LIB_TO)/pkgconfig' '$(INCLUDE_TO)'
	install -m 644 pool/pool.h '$(INCLUDE_TO)/pool.h'
	install -m 644 $(LIBRARY) '$(LIB_TO)/libmanyhands.a'
	install -m 644 $(SHARED) '$(LIB_TO)/$(notdir $(SHARED))'
	ln -sf $(notdir $(SHARED)) '$(LIB_TO)/$(SONAME)'
	ln -sf $(SONAME) '$(LIB_TO)/libmanyhands.so'
	sed -e 's|@VERSION@|$(VERSION)|' -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
	    -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' pool/manyhands.pc.in >'$(LIB_TO)/pkgconfig/manyhands.pc'
	@chmod 644 '$(LIB_TO)/pkgconfig/manyhands.pc'
	@$(LDCONFIG)

uninstall: has-good-paths
	rm -f '$(INCLUDE_TO)/pool.h' '$(LIB_TO)/libmanyhands.a' '$(LIB_TO)/libmanyhands.so' '$(LIB_TO)/$(SONAME)' \
	      '$(LIB_TO)/$(notdir $(SHARED))' '$(LIB_TO)/pkgconfig/manyhands.pc'
	@[ ! -d '$(INCLUDE_TO)' ] || rmdir '$(INCLUDE_TO)'
	@$(LDCONFIG)

# A shell does not always write out the ~ in PREFIX=~/.local, and pkg-config cannot tell a path with spaces from two.
has-good-paths:
	@for path in '$(PREFIX)' '$(LIBDIR)' '$(INCLUDEDIR)'; do case $$path in \
	    *[[:space:]]* | [!/]* | '') echo "cannot install to '$$path': give a path from / on, without spaces" >&2; \
	        exit 2 ;; esac; done

# --- Chapters and exercises: make ch03 && ./ch03, make ex01 && ./ex01 -----------------------------------

# A chapter whose package is missing is built without it, and says so when it is run; once the package is there, the
# mark $(BUILD)/has-... is new, and the chapter is built again.
GMP       = $(if $(shell $(CC) -fsyntax-only -include gmp.h -xc /dev/null 2>/dev/null && echo yes),$(1))
LIBS_ch13 = $(call GMP,-lgmp)
LIBS_ch14 = $(LIBS_ch13)
HAS_ch13  = $(call GMP,$(BUILD)/has-gmp)
HAS_ch14  = $(HAS_ch13)

$(CHAPTERS): ch%: $$(wildcard chapters/ch$$*-*.c) $(wildcard chapters/*.h) $(LIBRARY) $$(HAS_ch$$*)
	$(COMPILE) $(USE) -o $@ $< $(LIBRARY) $(LIBS_$@)

$(BUILD)/has-%:
	@mkdir -p $(BUILD) && touch $@

$(EXERCISES): ex%: $$(wildcard exercises/ex$$*-*.c) $(wildcard exercises/*.h) $(LIBRARY)
	$(COMPILE) $(USE) -o $@ $< $(LIBRARY)

chapters: $(CHAPTERS)

# Any program that uses the pool: make compile SOURCE=my.c PROGRAM=my
compile: $(LIBRARY)
	$(COMPILE) $(USE) -o $(PROGRAM) $(SOURCE) $(LIBRARY)

# --- Grading --------------------------------------------------------------------------------------------

grade: $(BUILD)/run
	@sh tests/grade.sh

grade-%: $(BUILD)/run
	@sh tests/grade.sh $*

hint-%:
	@sh tests/grade.sh hint $*

# --- Tests ----------------------------------------------------------------------------------------------

# All of them; one file: make bats FILES=tests/ch03.bats; some tests of the library: build/unit D05 imap
test: has-what-tests-need $(LIBRARY) $(BUILD)/run $(BUILD)/tty $(BUILD)/unit $(BUILD)/torture $(BUILD)/steps chapters
	@sh tests/all.sh

has-what-tests-need:
	@sh tests/setup.sh tests -n

bats: $(LIBRARY) $(BUILD)/run $(BUILD)/tty
	@bats $(FILES)

unit: $(BUILD)/unit
	$(BUILD)/unit

$(BUILD)/unit: $(wildcard tests/unit/*.[ch]) $(LIBRARY)
	$(COMPILE) $(USE) $(WRAPPED:%=-Wl,--wrap=%) -o $@ $(wildcard tests/unit/*.c) $(LIBRARY) -lcunit

$(BUILD)/torture $(BUILD)/steps: $(BUILD)/%: tests/%.c $(LIBRARY)
	$(COMPILE) $(USE) -o $@ $< $(LIBRARY)

$(BUILD)/draw-demo: tests/draw-demo.c pool/draw.c pool/trace.h
	@mkdir -p $(BUILD)
	$(COMPILE) -Ipool -o $@ tests/draw-demo.c pool/draw.c

$(BUILD)/run $(BUILD)/tty: $(BUILD)/%: tests/%.c
	@mkdir -p $(BUILD)
	$(COMPILE) -o $@ $<

ASAN = $(BUILD)/asan-$(notdir $(CC))
TSAN = $(BUILD)/tsan-$(notdir $(CC))

# The library's tests with everything checked at run time: bad memory accesses, undefined behaviour.
check-asan:
	$(MAKE) BUILD=$(ASAN) EXTRA='-fsanitize=address,undefined -fno-sanitize-recover=undefined' $(ASAN)/unit
	UNIT_SLOW=1 $(ASAN)/unit

# Data races: where pools are of threads, or threads use one; between processes the sanitizer does not see. Left out:
# M06, threads started after a fork beside threads, which it refuses; "idle", its own thread never is; S13 of spawn, too
# much address space.
check-tsan:
	$(MAKE) BUILD=$(TSAN) EXTRA=-fsanitize=thread $(TSAN)/unit
	UNIT_SLOW=1 $(TSAN)/unit threads ^M06 '^an idle pool' '^S13 H4 pools are spawned'

# No leak check: it would read all of the shared region, 32 GiB; check-asan looks for leaks.
check-valgrind: $(BUILD)/unit
	UNIT_SLOW=1 valgrind --quiet --error-exitcode=77 --leak-check=no $(BUILD)/unit

# The library's tests built for ARM64 and run there, or by qemu-user.
check-arm64:
	@sh tests/arm64.sh $(BUILD)

# Which lines of pool/ the library's tests execute; fails below 95 %.
COVERAGE = $(BUILD)/coverage
coverage: $(BUILD)/run
	$(MAKE) CC=gcc BUILD=$(COVERAGE) EXTRA='-O0 -w --coverage -fprofile-update=atomic' \
	    USE='$(USE) tests/coverage.c -Wl,--wrap=_exit' $(COVERAGE)/unit compile \
	    SOURCE='$(wildcard chapters/ch09-*.c)' PROGRAM=$(COVERAGE)/draws
	@sh tests/coverage.sh $(BUILD) 95

# No function of the library calls upwards.
check-floors: $(OBJECTS)
	@sh tests/floors.sh $(OBJECTS)

# The other compiler, as strict.
check-clang:
	$(MAKE) CC=clang BUILD=$(BUILD)/clang $(BUILD)/clang/unit

# Ten thousand workers killed at random, then one after each single instruction; ten minutes.
torture: $(BUILD)/torture $(BUILD)/steps
	$(BUILD)/torture 10000
	$(BUILD)/steps

bench: $(LIBRARY)
	@CC='$(CC)' CFLAGS='$(strip $(CFLAGS))' BUILD=$(BUILD) sh tests/bench/bench.sh

# What happens when a worker is killed, a callback fails ...: here and in Python's pools; writes the README's table.
peers: $(LIBRARY) $(BUILD)/run
	@CC='$(CC)' CFLAGS='$(strip $(CFLAGS))' BUILD=$(BUILD) sh tests/peers/peers.sh

# --- The book -------------------------------------------------------------------------------------------

book-sync: $(BUILD)/run chapters
	@awk -f tests/match.awk -f tests/book.awk sync

book-check: $(BUILD)/run chapters
	@awk -f tests/match.awk -f tests/book.awk check
	@LC_ALL=C awk -f tests/match.awk -f tests/course.awk

# The pictures in the book, from real runs; make figures ONLY='ch09 ch14': some of them.
figures: $(BUILD)/run
	@awk -f tests/match.awk -f tests/book.awk figures book.md $(ONLY)

# The book as pages, build/book/index.html, and the reference of pool.h, build/reference/index.html (and man/man3).
book:
	@BUILD=$(BUILD) VERSION=$(VERSION) sh tests/book/book.sh

reference:
	@BUILD=$(BUILD) VERSION=$(VERSION) sh tests/book/reference.sh

# --- The rest -------------------------------------------------------------------------------------------

# Installs what the tests and the bench need (Debian, Ubuntu).
setup:
	sh tests/setup.sh all

clean:
	rm -rf build ch[0-9][0-9] ex[0-9][0-9]
