# pcrcast. "make help" lists the targets.

MODE ?= release
BUILD := build/$(MODE)
PREFIX ?= /usr/local
DESTDIR ?=
VERSION := 0.1.0

PKG_CONFIG ?= pkg-config
INSTALL ?= install

libs := libcrypto libelf libcjson efivar tss2-mu libcbor libprotobuf-c yaml-0.1 zlib liblzma libzstd liblz4
# Disk containers are optional: a build without one of these says so when it meets such an image.
containers := libvhdi libvmdk libbfio libqcow
# Compression libraries without a pkg-config file. liblzo2 is under the GPL: LZO=0 leaves it out.
LZO ?= 1
plain_libs := -lbz2 $(if $(filter 1,$(LZO)),-llzo2)

ifeq ($(filter 0 1,$(LZO)),)
$(error LZO is $(LZO), expected 0 or 1)
endif

have := $(foreach c,$(containers),$(shell $(PKG_CONFIG) --exists $(c) 2>/dev/null && echo $(c)))
ifeq ($(origin LIB_CFLAGS),undefined)
LIB_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(libs) $(have) 2>/dev/null)
LIB_LIBS := $(shell $(PKG_CONFIG) --libs $(libs) $(have) 2>/dev/null) $(plain_libs)
missing := $(strip $(foreach l,$(libs),$(shell $(PKG_CONFIG) --exists $(l) 2>/dev/null || echo $(l))))
endif

WARN := -Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes -Wvla -Wformat=2
ifeq ($(WERROR),1)
WARN += -Werror
endif

flags.debug := -O1 -g3
flags.release := -O2 -g -DNDEBUG -D_FORTIFY_SOURCE=2 -fstack-protector-strong
flags.asan := -O1 -g3 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
flags.fuzz := $(flags.asan) -fsanitize=fuzzer-no-link -DPCRCAST_LIBFUZZER
link.asan := -fsanitize=address,undefined
link.fuzz := -fsanitize=address,undefined
ifeq ($(MODE),fuzz)
CC := clang
endif
ifeq ($(flags.$(MODE)),)
$(error MODE is $(MODE), expected debug, release, asan or fuzz)
endif

HAVE := $(foreach c,$(have),-DHAVE_$(shell echo $(c) | tr a-z A-Z)) $(if $(filter 1,$(LZO)),-DHAVE_LZO2)
ALL_CPPFLAGS = -I. -I$(BUILD) -D_FILE_OFFSET_BITS=64 -DPCRCAST_VERSION='"$(VERSION)"' $(HAVE) $(LIB_CFLAGS) $(CPPFLAGS)
ALL_CFLAGS = -std=gnu17 -fvisibility=hidden -pthread $(WARN) $(flags.$(MODE)) $(CFLAGS)
ALL_LDFLAGS = -pthread $(link.$(MODE)) $(LDFLAGS)

rooms := base base/efi eventlog uki predict golden
lib_src := $(foreach d,$(rooms),$(wildcard $(d)/*.c))
cli_src := $(wildcard cli/*.c)
unit_src := $(filter-out $(if $(filter 0,$(LZO)),tests/unit/test_decompress.c),$(wildcard tests/unit/test_*.c))
fuzz_src := $(wildcard tests/fuzz/fuzz_*.c)
man_pages := $(sort $(wildcard man/*.[1-8]))

lib_obj := $(lib_src:%.c=$(BUILD)/%.o) $(BUILD)/golden/attestation.pb-c.o
cli_obj := $(cli_src:%.c=$(BUILD)/%.o)
units := $(unit_src:%.c=$(BUILD)/%)
fuzzers := $(fuzz_src:%.c=$(BUILD)/%)

program := $(BUILD)/pcrcast
lib := $(BUILD)/libpcrcast.a

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all help FORCE

all: $(program) ## build the program (MODE=release, debug or asan)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{ printf "  %-14s %s\n", $$1, $$2 }'
	@echo "Variables: MODE ($(MODE)), PREFIX ($(PREFIX)), DESTDIR, LZO (1; 0 leaves liblzo2 out), WERROR, CC, CFLAGS, LDFLAGS"

$(program): $(cli_obj) $(lib)
	$(CC) $(ALL_LDFLAGS) -o $@ $(cli_obj) $(lib) $(LIB_LIBS) $(LIBS)

$(lib): $(lib_obj)
	@rm -f $@
	$(AR) rcs $@ $^

# Rewritten only when the command changes, so new flags rebuild and equal ones do not.
$(BUILD)/flags: FORCE
	@test -z '$(missing)' || { echo 'not found: $(missing); "make packages" installs what building needs' >&2; exit 1; }
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS))' | cmp -s - $@ || \
		printf '%s\n' '$(subst ','\'',$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS))' >$@

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# Message definitions: protoc-c writes C below $(BUILD), in the shape that includes of the tree expect.
PROTOC_C ?= protoc-c
$(BUILD)/%.pb-c.c $(BUILD)/%.pb-c.h: %.proto $(BUILD)/flags
	@mkdir -p $(@D)
	$(PROTOC_C) --c_out=$(BUILD) $<

# It is not ours: no warnings.
$(BUILD)/%.pb-c.o: $(BUILD)/%.pb-c.c $(BUILD)/flags
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -w -MMD -MP -c $< -o $@

$(BUILD)/golden/evidence_go_tpm_tools.o: $(BUILD)/golden/attestation.pb-c.h

test_support := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/unit/build_*.c))

$(BUILD)/tests/unit/test_%: $(BUILD)/tests/unit/test_%.o $(test_support) $(lib)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(test_support) $(lib) $(LIB_LIBS) -lcmocka $(LIBS)

# With MODE=fuzz libFuzzer brings the main function; else a plain one runs files.
fuzz_main := $(if $(filter fuzz,$(MODE)),,$(BUILD)/tests/fuzz/main.o)
$(BUILD)/tests/fuzz/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(fuzz_main) $(test_support) $(lib)
	$(CC) $(ALL_LDFLAGS) $(if $(fuzz_main),,-fsanitize=fuzzer) -o $@ $(filter %.o,$^) $(lib) $(LIB_LIBS) -lcmocka $(LIBS)

# ---- tests ----

need := tests/tools/need-packages tests/tools/packages

.PHONY: check check-unit check-fuzz check-cli check-tpm check-boot check-layers check-man check-install check-deep demo bench \
	fuzz watch install uninstall dist clean

check: ## all tests, in the plain and in the ASan + UBSan build; installs what is missing
	@$(need) build check boot
	@$(MAKE) --no-print-directory check-layers
	@$(MAKE) --no-print-directory MODE=debug check-man check-unit check-fuzz check-cli
	@$(MAKE) --no-print-directory MODE=asan check-unit check-fuzz check-cli
	@$(MAKE) --no-print-directory MODE=release check-install
	@$(MAKE) --no-print-directory MODE=debug check-tpm check-boot

check-unit: $(units) ## unit tests (cmocka)
	@tests/tools/run-units $(units)

check-fuzz: $(fuzzers) ## the fuzz corpus and seeded mutations of it, without a fuzzer
	@for f in $(fuzzers); do n=$${f##*/fuzz_}; $$f --mutate 200 tests/fuzz/corpus/$$n || exit 1; done

check-cli: $(program) ## tests that run the program
	@tests/cli/run $(program)

check-boot: $(program) ## boot images in QEMU and compare every event and PCR with the prediction
	@tests/boot/run --build build/boot --pcrcast $(program)
	@tests/boot/table --build build/boot --pcrcast $(program)
	@tests/boot/against-tools build/boot $(program)
	@tests/boot/against-pcrlock build/boot $(program)
	@tests/tools/against-systemd build/boot $(program)
	@tests/tools/against-baselines $(program)

check-tpm: $(program) ## what TPMs say about policies and quotes
	@tests/tpm/policy $(program)
	@tests/tpm/quotes $(program)
	@tests/tools/against-shared $(program)

check-layers: ## directories include only what they may
	@tests/tools/check-layers

check-man: $(program) ## lint the man pages; do they name every option, do their examples print what they say?
	@for f in $(man_pages); do mandoc -T lint -W warning $$f || exit 1; done
	@echo "man pages: $(words $(man_pages)) clean"
	@tests/tools/check-man-options $(program) man
	@tests/tools/check-man-examples $(program) $(man_pages)

check-install: $(program) ## install and uninstall leave nothing behind
	@rm -rf $(BUILD)/stage
	@$(MAKE) --no-print-directory install DESTDIR=$(BUILD)/stage >/dev/null
	@$(BUILD)/stage$(PREFIX)/bin/pcrcast --version
	@$(MAKE) --no-print-directory uninstall DESTDIR=$(BUILD)/stage >/dev/null
	@test -z "$$(find $(BUILD)/stage -type f)" && echo "install, uninstall: clean"

check-deep: ## valgrind and the static analysers, beside check
	@$(need) build check deep
	@tests/tools/check-deep $(MAKE)

demo: ## build, assemble a real image from Debian's stub and kernel, and predict it
	@$(need) build demo
	@$(MAKE) -s --no-print-directory MODE=release build/release/pcrcast
	@tests/tools/demo build/release/pcrcast build/demo

bench: ## speed and memory on a large image (after "make demo", which fetches a kernel)
	@$(need) build bench
	@$(MAKE) --no-print-directory MODE=release build/release/pcrcast
	@tests/bench/run build/release/pcrcast build/bench

FUZZ_SECONDS ?= 600
fuzz: ## run every fuzz harness for FUZZ_SECONDS (600) under ASan and UBSan
	@$(need) build check deep
	@$(MAKE) --no-print-directory MODE=fuzz fuzzers
	@tests/tools/fuzz build/fuzz $(FUZZ_SECONDS)

.PHONY: fuzzers units packages
packages: ## install what building needs, through apt
	@$(need) build

fuzzers: $(fuzzers)
units: $(units)

watch: $(program) ## the boot tests with the newest packages of Debian unstable
	@$(need) build boot
	@tests/boot/run --newest --build build/watch --pcrcast $(program)

# ---- installation ----

install: $(program) ## install under DESTDIR and PREFIX (/usr/local)
	$(INSTALL) -d $(DESTDIR)$(PREFIX)/bin
	$(INSTALL) -m 755 $(program) $(DESTDIR)$(PREFIX)/bin/pcrcast
	@for f in $(man_pages); do d=$(DESTDIR)$(PREFIX)/share/man/man$${f##*.}; \
		$(INSTALL) -d $$d && $(INSTALL) -m 644 $$f $$d/ || exit 1; done

uninstall: ## remove what install installed
	rm -f $(DESTDIR)$(PREFIX)/bin/pcrcast
	@for f in $(man_pages); do rm -f $(DESTDIR)$(PREFIX)/share/man/man$${f##*.}/$${f##*/}; done

dist: ## a tar archive of the committed tree
	@mkdir -p build
	git archive --prefix=pcrcast-$(VERSION)/ -o build/pcrcast-$(VERSION).tar.gz HEAD

clean: ## remove everything that was built
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
