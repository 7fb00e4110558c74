# Makes the book and the reference, and keeps the book as the programs are. The Makefile includes this.

.PHONY: book-sync book-check figures book reference man

book-sync: $(BUILD)/run chapters
	@awk -f tools/book/match.awk -f tools/book/book.awk sync

book-check: $(BUILD)/run chapters
	@awk -f tools/book/match.awk -f tools/book/book.awk check
	@LC_ALL=C awk -f tools/book/match.awk -f tools/book/course.awk

# The pictures in the book, from real runs; make figures ONLY='ch09 ch14': some of them.
figures: $(BUILD)/run
	@awk -f tools/book/match.awk -f tools/book/book.awk figures book.md $(ONLY)

# The book as pages, build/book/index.html, and the reference of pool.h, build/reference/index.html.
book:
	@BUILD=$(BUILD) VERSION=$(VERSION) sh tools/book/book.sh

reference: man
	@BUILD=$(BUILD) VERSION=$(VERSION) sh tools/book/reference.sh

# The same as man pages: man -l build/man/pool_map.3
MAN = $(BUILD)/man
man: $(MAN)/pool.h.3

$(MAN)/pool.h.3: pool/pool.h tools/book/man.lua
	@command -v pandoc >/dev/null || \
	    { echo 'make man needs the package pandoc. To install it: sh tools/setup.sh tests' >&2; exit 77; }
	@rm -rf $(MAN) && mkdir -p $(MAN)
	@pandoc -f markdown -t plain -L tools/book/man.lua -M header=$< -M out=$(MAN) -M version=$(VERSION) /dev/null
