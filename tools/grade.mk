# Grading. The Makefile includes this.

.PHONY: grade grader verify gradebook handout

# What the grader consists of. The library is there twice: each answer is also run once with memory and undefined behaviour
# checked.
GRADER = $(BUILD)/box $(BUILD)/likely $(BUILD)/run $(BUILD)/server $(LIBRARY) $(BUILD)/sanitize/libpool.a
grader: $(GRADER)

grade: $(GRADER)
	@CC='$(CC)' BUILD=$(BUILD) sh tools/grade.sh

grade-%: $(GRADER)
	@CC='$(CC)' BUILD=$(BUILD) sh tools/grade.sh $*

watch-%: $(GRADER)
	@CC='$(CC)' BUILD=$(BUILD) sh tools/grade.sh watch $*

hint-% hints-% reset-% solution-%:
	@sh tools/grade.sh $(subst -, ,$@)

# A class: make gradebook SUBMISSIONS=DIR; make handout: what students get.
GRADES = $(BUILD)/grades
gradebook: $(GRADER) $(BUILD)/gradebook
	@CC='$(CC)' BUILD=$(BUILD) sh tools/grade/class.sh '$(SUBMISSIONS)' '$(GRADES)'

$(BUILD)/gradebook: tools/grade/gradebook.c $(LIBRARY)
	@echo '  making $@'
	@$(COMPILE) -Ipool -o $@ $< $(LIBRARY)

handout:
	@BUILD=$(BUILD) sh tools/grade/handout.sh

# The grader graded: stubs, solutions, wrong answers, other right ones; make verify ONLY=03: those of one exercise.
verify: $(GRADER)
	@BUILD=$(BUILD) sh tools/grade/verify.sh $(ONLY)

$(BUILD)/box: $(wildcard tools/grade/*.c tools/grade/*.h)
	@mkdir -p $(BUILD)
	@echo '  making $@'
	@$(COMPILE) -o $@ tools/grade/box.c tools/grade/look.c tools/grade/witness.c

$(BUILD)/likely: tools/grade/likely.c
	@mkdir -p $(BUILD)
	@echo '  making $@'
	@$(COMPILE) -o $@ $<

$(BUILD)/sanitize/libpool.a: $(wildcard pool/*.[ch])
	@echo '  making $@: once, some ten seconds'
	@$(MAKE) -s BUILD=$(BUILD)/sanitize EXTRA='-fsanitize=address,undefined -fno-sanitize-recover=undefined' $@ >$(BUILD)/sanitize.log || \
	    { cat $(BUILD)/sanitize.log; exit 1; }

$(BUILD)/run: tools/run.c
	@mkdir -p $(BUILD)
	$(COMPILE) -o $@ $<
