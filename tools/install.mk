# make install PREFIX=$HOME/.local, make uninstall. The Makefile includes this.

.PHONY: shared install uninstall has-good-paths

SHARED = $(BUILD)/shared/libmanyhands.so.$(VERSION)
SONAME = libmanyhands.so.$(firstword $(subst ., ,$(VERSION)))

shared: $(SHARED)

$(BUILD)/shared/%.o: pool/%.c $(wildcard pool/*.h)
	@mkdir -p $(BUILD)/shared
	@echo '  compiling $< for sharing'
	@$(COMPILE) $(INSIDE) -fPIC -c -o $@ $<

$(BUILD)/shared/all.o: $(SOURCES:pool/%.c=$(BUILD)/shared/%.o)

$(SHARED): $(BUILD)/shared/all.o
	@echo '  making $@'
	@$(COMPILE) -shared -Wl,-soname,$(SONAME) -o $@ $<

# Installed it is called manyhands: many a library may be called pool. DESTDIR is where a package is collected.
PREFIX     = /usr/local
LIBDIR     = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include
BINDIR     = $(PREFIX)/bin
MANDIR     = $(PREFIX)/share/man
LIB_TO     = $(DESTDIR)$(LIBDIR)
BIN_TO     = $(DESTDIR)$(BINDIR)
MAN_TO     = $(DESTDIR)$(MANDIR)
INCLUDE_TO = $(DESTDIR)$(INCLUDEDIR)/manyhands
LDCONFIG   = [ -n '$(DESTDIR)' ] || [ "$$(id -u)" -ne 0 ] || PATH=$$PATH:/sbin ldconfig

# The man pages of the calls come along where pandoc can make them, or has made them.
install: has-good-paths $(LIBRARY) $(SHARED) lanes $$(if $$(shell command -v pandoc),man)
	@mkdir -p '$(LIB_TO)/pkgconfig' '$(INCLUDE_TO)' '$(BIN_TO)' '$(MAN_TO)/man1' '$(MAN_TO)/man3'
	install lanes '$(BIN_TO)/lanes'
	install -m 644 tools/lanes.1 '$(MAN_TO)/man1/lanes.1'
	install -m 644 pool/pool.h '$(INCLUDE_TO)/pool.h'
	install -m 644 $(LIBRARY) '$(LIB_TO)/libmanyhands.a'
	install -m 644 $(SHARED) '$(LIB_TO)/$(notdir $(SHARED))'
	ln -sf $(notdir $(SHARED)) '$(LIB_TO)/$(SONAME)'
	ln -sf $(SONAME) '$(LIB_TO)/libmanyhands.so'
	sed -e 's|@VERSION@|$(VERSION)|' -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
	    -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' pool/manyhands.pc.in >'$(LIB_TO)/pkgconfig/manyhands.pc'
	@chmod 644 '$(LIB_TO)/pkgconfig/manyhands.pc'
	@if [ -e $(MAN)/pool.h.3 ]; then install -m 644 $(MAN)/*.3 '$(MAN_TO)/man3'; \
	    else echo 'The man pages of the calls are left out: there is no pandoc, which makes them.'; fi
	@$(LDCONFIG)

uninstall: has-good-paths
	rm -f '$(INCLUDE_TO)/pool.h' '$(LIB_TO)/libmanyhands.a' '$(LIB_TO)/libmanyhands.so' '$(LIB_TO)/$(SONAME)' \
	      '$(LIB_TO)/$(notdir $(SHARED))' '$(LIB_TO)/pkgconfig/manyhands.pc' '$(BIN_TO)/lanes' '$(MAN_TO)/man1/lanes.1'
	@[ ! -d '$(INCLUDE_TO)' ] || rmdir '$(INCLUDE_TO)'
	@grep -lsZ '^\.TH .* 3 "" "Many Hands ' '$(MAN_TO)/man3'/*.3 | xargs -0 -r rm -f # other libraries have calls, too
	@$(LDCONFIG)

# A shell does not always write out the ~ in PREFIX=~/.local, and pkg-config cannot tell a path with spaces from two.
has-good-paths:
	@for path in '$(PREFIX)' '$(LIBDIR)' '$(INCLUDEDIR)' '$(BINDIR)' '$(MANDIR)'; do case $$path in \
	    *[[:space:]]* | [!/]* | '') echo "cannot install to '$$path': give a path from / on, without spaces" >&2; \
	        exit 2 ;; esac; done
