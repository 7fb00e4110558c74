# Builds the programs that test the library, and tests it harder than `make test` does. The Makefile includes this.

.PHONY: has-what-tests-need bats unit check-asan check-tsan check-valgrind check-clang check-arm64 check-floors \
        coverage steps model torture mutants

WRAPPED = fork mmap malloc calloc realloc strdup socketpair open fopen poll syscall kill send recv waitpid waitid \
          prlimit clock_gettime timer_settime madvise pool_open # for tests to let fail

has-what-tests-need:
	@sh tools/setup.sh tests -n

bats: $(LIBRARY) $(BUILD)/run
	@bats $(FILES)

unit: $(BUILD)/unit
	$(BUILD)/unit

$(BUILD)/tests/%.o: tests/unit/%.c $(wildcard tests/unit/*.h) pool/pool.h
	@mkdir -p $(BUILD)/tests
	@echo '  compiling $<'
	@$(COMPILE) $(USE) -c -o $@ $<

UNIT = $(patsubst tests/unit/%.c,$(BUILD)/tests/%.o,$(wildcard tests/unit/*.c))
$(BUILD)/unit: $(UNIT) $(LIBRARY)
	@echo '  making $@'
	@$(COMPILE) $(WITH) $(WRAPPED:%=-Wl,--wrap=%) -o $@ $^ -lcunit

$(BUILD)/steps $(BUILD)/held: $(BUILD)/%: tests/kill/%.c tests/kill/drive.c tests/kill/drive.h $(LIBRARY)
	$(COMPILE) $(USE) $(SLICES) -o $@ $(filter %.c,$^) $(LIBRARY)
$(BUILD)/steps: SLICES = -Wl,--wrap=syscall

$(BUILD)/traced: tests/traced.c $(LIBRARY)
	$(COMPILE) $(USE) -o $@ $< $(LIBRARY)

FOLLOW = $(wildcard tests/kill/everything.[ch] tests/kill/follow.[ch])
$(BUILD)/calls $(BUILD)/killed: $(FOLLOW)
$(BUILD)/torture: tests/kill/everything.c tests/kill/everything.h
$(BUILD)/calls $(BUILD)/killed $(BUILD)/torture: $(BUILD)/%: tests/kill/%.c $(LIBRARY)
	$(COMPILE) $(USE) -o $@ $(filter %.c,$^) $(LIBRARY)

$(BUILD)/wake: tests/kill/wake.c
	@mkdir -p $(BUILD)
	$(COMPILE) -o $@ $<

$(BUILD)/draw-demo: tests/draw-demo.c
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
	UNIT_SLOW=1 $(TSAN)/unit threads together ^M06 '^an idle pool' '^S13 H4 pools are spawned'

# No leak check: it would read all of the shared region, 32 GiB; check-asan looks for leaks. Left out: P43, G10: its long
# double has 64 bits; P19 a pool that is closed: the kernel's copying into a page without rights is an error to it; G01 the
# descriptor: it makes calls of its own, which the filter of that test forbids; G06 an idle pool: it switches by itself;
# thousands, the Nth: too slow for their deadlines. Half an hour.
check-valgrind: $(BUILD)/unit
	UNIT_SLOW=1 valgrind --quiet --error-exitcode=77 --leak-check=no $(BUILD)/unit '^P43 a chunk' '^G10 a limit or' \
	    '^P19 a pool that is closed while' '^G01 the descriptor: killed' '^G06 an idle pool' '^G01 thousands' \
	    '^G16 the Nth mmap'

# The library's tests built for ARM64 and run there, or by qemu-user.
check-arm64:
	@sh tools/arm64.sh $(BUILD)

# Which lines of pool/ the library's tests execute; fails below 95 %.
COVERAGE = $(BUILD)/coverage
coverage:
	$(MAKE) CC=gcc BUILD=$(COVERAGE) EXTRA='-O0 -w --coverage -fprofile-update=atomic' \
	    WITH='tools/coverage.c -Wl,--wrap=_exit' $(COVERAGE)/unit
	@sh tools/coverage.sh $(BUILD) 95

# No function of the library calls upwards.
check-floors: $(OBJECTS)
	@sh tools/floors.sh $(OBJECTS)

# The other compiler, as strict.
check-clang:
	$(MAKE) CC=clang BUILD=$(BUILD)/clang $(BUILD)/clang/unit

# Workers, nurseries and callers killed after single instructions, and held there.
steps: $(BUILD)/steps $(BUILD)/held $(BUILD)/killed
	$(BUILD)/steps
	$(BUILD)/held
	$(BUILD)/killed

# Who wakes whom, in every order of steps: some minutes, and 2 GB.
model: $(BUILD)/wake
	$(BUILD)/wake -l

# Ten thousand processes killed at random, then some after single instructions, then every system call made to fail.
torture: $(BUILD)/torture $(BUILD)/steps $(BUILD)/held $(BUILD)/killed $(BUILD)/calls
	$(BUILD)/torture 10000
	$(BUILD)/steps 7
	$(BUILD)/held 7
	$(BUILD)/killed
	$(BUILD)/calls

# Whether the tests notice small mistakes in the library: an hour or two.
mutants:
	@sh tests/kill/mutants.sh $(BUILD)
