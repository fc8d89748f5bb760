# relate: relationships inside SQLite.  GNU make; nothing to configure.
#
#   make             build/relate.so, the loadable extension
#   make deps demo   on a fresh machine: install what is needed, see it work
#   make deps test   likewise, and run the tests
#   make help        every target
#
# CC, CFLAGS, LDFLAGS, SQLITE_CFLAGS, TCL_CFLAGS, PREFIX and DESTDIR may be
# given: make CC=clang CFLAGS=-O3

CC       = gcc
CFLAGS   = -O2 -g
PREFIX   = /usr/local

ifeq ($(shell uname -s),Darwin)
SUFFIX   = dylib
SHARED   = -dynamiclib -undefined error
else
SUFFIX   = so
SHARED   = -shared
# nodelete: where the entry point fails half-way, SQLite unloads the library
# but keeps what was registered.
SHARED  += -Wl,-z,nodelete
HARDLINK = -Wl,-z,relro,-z,now,-z,defs
# Its own functions, though another library has some of the same names.
OWN      = -Wl,-Bsymbolic
endif

BUILD    = build
LIBRARY  = $(BUILD)/relate.$(SUFFIX)
SOURCES  = $(wildcard ext/*.c)
HEADERS  = $(wildcard ext/*.h)
VERSION  = $(shell sed -n 's/.*RELATE_VERSION "\(.*\)".*/\1/p' ext/relate.h)

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wconversion -Werror
OPTIMIZED = $(filter -O -O1 -O2 -O3 -Os,$(CFLAGS))
HARDEN   = -fstack-protector-strong \
	$(if $(OPTIMIZED),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
SQLITE_CFLAGS = $(shell pkg-config --silence-errors --cflags sqlite3)
# The same sources give the same bytes, wherever they are.
COMPILE  = $(CC) -std=c99 $(WARNINGS) -fPIC -fvisibility=hidden \
	-ffile-prefix-map=$(CURDIR)=. $(SQLITE_CFLAGS)

FIXTURE = $(BUILD)/fixture
UNIT = $(BUILD)/unit.$(SUFFIX)
SANITIZED = $(BUILD)/sanitize/relate.$(SUFFIX) $(BUILD)/sanitize/fixture \
	$(BUILD)/sanitize/unit.$(SUFFIX)
COVERED = $(BUILD)/coverage/relate.$(SUFFIX) $(BUILD)/coverage/unit.$(SUFFIX)

# For the tests.  The sanitizers want frames that can be walked.
SANITIZE = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer
COVERAGE = -O0 -g --coverage -fprofile-update=atomic
TCL_CFLAGS = $(shell pkg-config --silence-errors --cflags tcl8.6 || \
	pkg-config --silence-errors --cflags tcl)
TCL_LIBS = $(shell pkg-config --silence-errors --libs tcl8.6 || \
	pkg-config --silence-errors --libs tcl || echo -ltcl8.6)
SQLITE_LIBS = $(shell pkg-config --silence-errors --libs sqlite3 || \
	echo -lsqlite3)

.PHONY: all deps demo test test-quick test-sanitize test-fault test-newest \
	test-debug test-oldest test-coverage test-builds lint format bench amalgamation static \
	install uninstall clean help
.DELETE_ON_ERROR:

# `make deps test` means one after the other, also with -j.
ifneq ($(filter deps,$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif

all: $(LIBRARY) ## the loadable extension (this is what plain `make` does)

# $(call flavour,FOLDER,COMPILER FLAGS,LINKER FLAGS): the extension once more,
# compiled in its own way in a folder of its own; and unit, which is the same
# with functions for the tests.
define flavour
$(1)/obj/%.o: ext/%.c Makefile
	@mkdir -p $$(@D)
	$$(COMPILE) $(2) -MMD -MP -c $$< -o $$@

$(1)/relate.$(SUFFIX): $(SOURCES:ext/%.c=$(1)/obj/%.o)
	$$(CC) $$(SHARED) $(2) $$(filter %.o,$$^) -o $$@ $$(LDFLAGS) $(3)

$(1)/unit.$(SUFFIX): test/unit/unit.c $(SOURCES:ext/%.c=$(1)/obj/%.o)
	$$(COMPILE) $$(SHARED) $$(OWN) $(2) -Iext $$^ -o $$@ $$(LDFLAGS) $(3)

-include $(SOURCES:ext/%.c=$(1)/obj/%.d)
endef

$(eval $(call flavour,$(BUILD),$(HARDEN) $(CFLAGS),$(HARDLINK)))
$(eval $(call flavour,$(BUILD)/sanitize,$(SANITIZE)))
$(eval $(call flavour,$(BUILD)/coverage,$(COVERAGE)))

# ---- for developers ----

deps: ## install what is missing (Debian, Ubuntu, Fedora, Alpine, Homebrew)
	@sh test/deps.sh

demo: $(LIBRARY) ## the campus, told by the sqlite3 shell
	@sh test/demo.sh $(LIBRARY)

test: ## everything below in its short form; ends with the total
	@$(MAKE) -s -j2 test-builds
	@MAKE='$(MAKE)' sh test/stages.sh quick sanitize fault newest debug oldest coverage

test-builds: $(LIBRARY) $(UNIT) $(FIXTURE) $(SANITIZED) $(COVERED)

export ASAN_OPTIONS = detect_stack_use_after_return=1
export UBSAN_OPTIONS = print_stacktrace=1
RUN = RELATE_LIBRARY=$(1)/relate.$(SUFFIX) RELATE_INTERPRETER=$(2) \
	tclsh test/run.tcl $(FILES)

test-quick: $(LIBRARY) $(UNIT) $(FIXTURE) ## the suite; FILES='model*' for some of it
	@$(call RUN,$(BUILD),$(FIXTURE))

test-sanitize: $(SANITIZED) \
		## the suite under ASan, UBSan and LSan, with exact-size allocation
	@$(call RUN,$(BUILD)/sanitize,$(BUILD)/sanitize/fixture)

test-fault: $(SANITIZED) ## every allocation fails in turn, once and for good
	@RELATE_TIMEOUT=$${RELATE_TIMEOUT:-1200} RELATE_SUITE=test/fault $(call RUN,$(BUILD)/sanitize,$(BUILD)/sanitize/fixture)

test-newest: $(LIBRARY) $(UNIT) $(FIXTURE) ## the suite on the newest SQLite
	@sh test/versions.sh newest $(LIBRARY) $(FIXTURE)

test-debug: $(LIBRARY) $(UNIT) $(FIXTURE) ## likewise, with all of SQLite's assertions
	@sh test/versions.sh debug $(LIBRARY) $(FIXTURE)

test-oldest: $(LIBRARY) $(UNIT) $(FIXTURE) ## likewise on 3.37.0, the oldest it runs on
	@sh test/versions.sh oldest $(LIBRARY) $(FIXTURE)

test-coverage: $(COVERED) $(FIXTURE) ## the branches that the suite has taken
	@sh test/coverage.sh $(BUILD)/coverage $(FIXTURE)

# tclsh, with faults on demand.
$(FIXTURE): test/fixture/fixture.c Makefile
	@mkdir -p $(@D)
	$(CC) -std=c99 $(WARNINGS) $(SQLITE_CFLAGS) $(TCL_CFLAGS) $(CFLAGS) $< \
		-o $@ $(TCL_LIBS) $(SQLITE_LIBS)

$(BUILD)/sanitize/fixture: test/fixture/fixture.c Makefile
	@mkdir -p $(@D)
	$(CC) -std=c99 $(WARNINGS) $(SQLITE_CFLAGS) $(TCL_CFLAGS) $(SANITIZE) $< \
		-o $@ $(TCL_LIBS) $(SQLITE_LIBS)

lint: $(LIBRARY) amalgamation ## formatting, static analysis, layers, SQL audit
	@CC='$(CC)' COMPILE='$(COMPILE)' SQLITE_CFLAGS='$(SQLITE_CFLAGS)' \
		tclsh test/lint/lint.tcl $(BUILD)

format: ## clang-format, in place
	clang-format -i $(SOURCES) $(HEADERS) test/*/*.c

bench: $(LIBRARY) ## what a call costs, beside the same SQL by hand; ONLY=navigator
	@sh test/bench/run.sh $(LIBRARY) '$(ONLY)'

# ---- for users ----

amalgamation: $(BUILD)/relate.c $(BUILD)/relate.h ## all of it as one C file

$(BUILD)/relate.c: $(SOURCES) $(HEADERS) test/amalgamate.sh
	@mkdir -p $(@D)
	sh test/amalgamate.sh ext > $@

$(BUILD)/relate.h: ext/relate.h
	@mkdir -p $(@D)
	cp $< $@

static: $(BUILD)/librelate.a ## a library to link into a program with SQLite

$(BUILD)/librelate.a: $(BUILD)/relate.c $(BUILD)/relate.h Makefile
	$(COMPILE) $(HARDEN) $(CFLAGS) -DSQLITE_CORE -c $< -o $(BUILD)/librelate.o
	rm -f $@
	ar rcsD $@ $(BUILD)/librelate.o 2>/dev/null || \
		ar rcs $@ $(BUILD)/librelate.o

$(BUILD)/relate.pc: ext/relate.h Makefile
	@mkdir -p $(@D)
	@printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$${prefix}/lib' \
		'includedir=$${prefix}/include' \
		'extension=$${libdir}/relate.$(SUFFIX)' '' 'Name: relate' \
		'Description: relationships inside SQLite (a loadable extension)' \
		'Version: $(VERSION)' 'Requires: sqlite3 >= 3.37.0' \
		'Cflags: -I$${includedir}' > $@

install: $(LIBRARY) ## into PREFIX (/usr/local), under DESTDIR if given
	rm -f $(BUILD)/relate.pc
	$(MAKE) -s $(BUILD)/relate.pc
	mkdir -p '$(DESTDIR)$(PREFIX)/lib/pkgconfig' '$(DESTDIR)$(PREFIX)/include'
	install -m 755 $(LIBRARY) '$(DESTDIR)$(PREFIX)/lib/'
	install -m 644 ext/relate.h '$(DESTDIR)$(PREFIX)/include/'
	install -m 644 $(BUILD)/relate.pc '$(DESTDIR)$(PREFIX)/lib/pkgconfig/'

uninstall: ## take away what install has put there
	rm -f '$(DESTDIR)$(PREFIX)/lib/relate.$(SUFFIX)' \
		'$(DESTDIR)$(PREFIX)/include/relate.h' \
		'$(DESTDIR)$(PREFIX)/lib/pkgconfig/relate.pc'

clean: ## remove build/
	rm -rf $(BUILD)

help: ## this list
	@awk '/^[a-z-]+:/ { target = $$1; sub(":.*", "", target) } \
		/^[a-z-]+:.* ## |^\t\t## / { sub(".*## ", ""); \
			printf "  %-14s %s\n", target, $$0 }' $(firstword $(MAKEFILE_LIST))
