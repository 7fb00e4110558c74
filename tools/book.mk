# Makes the book and the reference, and keeps the book as the programs are. The Makefile includes this.

.PHONY: book-sync book-check figures book reference

book-sync: $(BUILD)/run chapters
	@awk -f tools/book/match.awk -f tools/book/book.awk sync

book-check: $(BUILD)/run chapters
	@awk -f tools/book/match.awk -f tools/book/book.awk check
	@LC_ALL=C awk -f tools/book/match.awk -f tools/book/course.awk

# The pictures in the book, from real runs; make figures ONLY='ch09 ch14': some of them.
figures: $(BUILD)/run
	@awk -f tools/book/match.awk -f tools/book/book.awk figures book.md $(ONLY)

# The book as pages, build/book/index.html, and the reference of pool.h, build/reference/index.html (and man/man3).
book:
	@BUILD=$(BUILD) VERSION=$(VERSION) sh tools/book/book.sh

reference:
	@BUILD=$(BUILD) VERSION=$(VERSION) sh tools/book/reference.sh
