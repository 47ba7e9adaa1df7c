/* GRUB: its configuration, run, and what it measures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "tests/unit/build_esp.h"
#include "tests/unit/build_grub.h"
#include "tests/unit/build_grub_esp.h"
#include "tests/unit/build_shim_machine.h"

#define BOOT "EFI/BOOT/BOOTX64.EFI"
#define CFG "EFI/debian/grub.cfg"
#define P "(hd0,gpt1)/EFI/debian"

/* The configuration between an entry that ends the run; what is expected stands between what that measures. */
static void expect_run(struct esp *x, const char *config, const char *expected)
{
	static const char tail[] = "set timeout=0\nmenuentry e {\nlinux /linux a\n}\n";
	char text[8192];

	prediction_done(&x->p);
	snprintf(text, sizeof text, "%s\n%s", config, tail);
	esp_put_text(x, CFG, text);
	esp_predict(x);
	snprintf(
		text, sizeof text,
		"9 " P "/grub.cfg\n%s8 grub_cmd: set timeout=0\n"
		"8 grub_cmd: menuentry e {\nlinux /linux a\n}\n8 grub_cmd: setparams e\n8 grub_cmd: linux /linux a\n"
		"9 /linux\n8 kernel_cmdline: /linux a\n",
		expected);
	assert_string_equal(grub_esp_measured(x), text);
	expect_incomplete(x, 0);
}

/* A configuration that cannot be followed: registers 4, 8 and 9 say why. */
static void expect_stop(struct esp *x, const char *config, const char *words)
{
	prediction_done(&x->p);
	esp_put_text(x, CFG, config);
	esp_predict(x);
	for (uint32_t pcr = 4; pcr <= 9; pcr++)
		if (pcr == 4 || pcr == 8 || pcr == 9)
			assert_true(x->p.incomplete & 1u << pcr);
	expect_reason(x, 4, words, strstr(words, "the entry ends") ? "--entry" : NULL);
}

static void the_events_of_a_boot_are_commands_files_and_the_command_line(void **state)
{
	struct esp *x = *state;

	grub_esp_put_usual(x);
	esp_put_text(x, CFG,
		     "set timeout=0\nmenuentry \"lab\" {\n  linux /linux quiet 'a b'\n  initrd /initrd\n}\n");
	esp_predict(x);
	assert_string_equal(grub_esp_measured(x),
			    "9 " P "/grub.cfg\n"
			    "8 grub_cmd: set timeout=0\n"
			    "8 grub_cmd: menuentry lab {\n  linux /linux quiet 'a b'\n  initrd /initrd\n}\n"
			    "8 grub_cmd: setparams lab\n"
			    "8 grub_cmd: linux /linux quiet a b\n"
			    "9 /linux\n"
			    "8 kernel_cmdline: /linux quiet \"a b\"\n"
			    "8 grub_cmd: initrd /initrd\n"
			    "9 /initrd\n");
	/* printf 'set timeout=0' | sha256sum */
	for (size_t i = 0; i < x->p.log.n_events; i++)
		if (x->p.log.events[i].pcr == 8) {
			assert_memory_equal(
				event_digest(&x->p.log.events[i], &x->p.log, ALG_SHA256).p,
				"\xd3\xa7\x93\xf4\x71\xb6\xbf\xe8\xd7\x83\xf5\xe6\x29\x31\x4c\xad", 16);
			break;
		}
}

static void words_are_quoted_split_and_joined_as_grub_does(void **state)
{
	struct esp *x = *state;

	grub_esp_put_usual(x);
	expect_run(x, "for w in a \"b c\" $undefined d; do echo \"w=$w\" 'si\"n$gle' ok\\ \\$x; done",
		   "8 grub_cmd: echo w=a si\"n$gle ok $x\n8 grub_cmd: echo w=b c si\"n$gle ok $x\n"
		   "8 grub_cmd: echo w=d si\"n$gle ok $x\n");
	expect_run(x, "v=' p  q '; echo x${v}y \"$v\" $v",
		   "8 grub_cmd: v= p  q \n8 grub_cmd: echo xp qy  p  q  p q\n");
	expect_run(x, "echo \"\" [ a \\\n  b # c\n", "8 grub_cmd: echo  [ a b\n");
}

static void branches_and_loops_follow_what_commands_return(void **state)
{
	struct esp *x = *state;

	grub_esp_put_usual(x);
	expect_run(
		x,
		"set i=x\nwhile [ \"$i\" != xxxx ]; do\n  set i=\"${i}x\"\n  if [ $i = xxx ]; then continue; fi\n  echo $i\ndone",
		"8 grub_cmd: set i=x\n8 grub_cmd: [ x != xxxx ]\n8 grub_cmd: set i=xx\n8 grub_cmd: [ xx = xxx ]\n"
		"8 grub_cmd: echo xx\n8 grub_cmd: [ xx != xxxx ]\n8 grub_cmd: set i=xxx\n8 grub_cmd: [ xxx = xxx ]\n"
		"8 grub_cmd: continue\n8 grub_cmd: [ xxx != xxxx ]\n8 grub_cmd: set i=xxxx\n8 grub_cmd: [ xxxx = xxx ]\n"
		"8 grub_cmd: echo xxxx\n8 grub_cmd: [ xxxx != xxxx ]\n");
	expect_run(x, "if false; then echo a; elif ! true; then echo b; else echo c; fi",
		   "8 grub_cmd: false\n8 grub_cmd: ! true\n8 grub_cmd: echo c\n");
	/* GRUB 2.06 on serial: "yes" */
	expect_run(x, "if nosuchcommand; then echo yes; else echo no; fi",
		   "8 grub_cmd: nosuchcommand\n8 grub_cmd: echo yes\n");
	expect_run(
		x,
		"function par {\n echo $# \"$1\" $2 $*; shift; echo \"$@\"; return 1; echo never\n}\npar one \"two three\" four\necho p=$?",
		"8 grub_cmd: par one two three four\n8 grub_cmd: echo 3 one two three one two three four\n"
		"8 grub_cmd: shift\n8 grub_cmd: echo two three four\n8 grub_cmd: return 1\n8 grub_cmd: echo p=1\n");
}

static void tests_compare_texts_numbers_and_files(void **state)
{
	static const struct {
		const char *expression;
		const char *result;
	} rows[] = {
		{ "a = a", "0" },
		{ "a != a", "1" },
		{ "0x10 -eq 16 -a 010 -eq 8", "0" },
		{ "-3 -lt 2", "0" },
		{ "v-2 -plt v-11", "0" },
		{ "", "0" }, /* so it is in GRUB */
		{ "a = b -o c = c", "0" },
		{ "! -e /none", "0" },
		{ "-d /EFI -a -f /linux", "0" },
		{ "( a = b ) -o ( a )", "0" },
	};
	struct esp *x = *state;

	grub_esp_put_usual(x);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char config[200], expected[400];

		snprintf(config, sizeof config, "[ %s ]\necho $?", rows[i].expression);
		snprintf(expected, sizeof expected, "8 grub_cmd: [ %s%s]\n8 grub_cmd: echo %s\n",
			 rows[i].expression, *rows[i].expression ? " " : "", rows[i].result);
		expect_run(x, config, expected);
	}
	expect_run(x, "[ -s /initrd ]", "8 grub_cmd: [ -s /initrd ]\n9 /initrd\n");
}

static void saved_entry_and_submenus_choose_what_is_booted(void **state)
{
	static const char block[] = "# GRUB Environment Block\nsaved_entry=sub>two\n#########";
	struct esp *x = *state;

	grub_esp_put_usual(x);
	esp_put_text(x, "EFI/debian/grubenv", block);
	esp_put_text(x, CFG,
		     "load_env\nset default=\"${saved_entry}\"\nset timeout=5\nmenuentry one { true; }\n"
		     "submenu more --id sub { menuentry a --id two { linux /linux b; }; }\n");
	esp_predict(x);
	assert_string_equal(
		grub_esp_measured(x),
		"9 " P "/grub.cfg\n8 grub_cmd: load_env\n9 " P "/grubenv\n8 grub_cmd: set default=sub>two\n"
		"8 grub_cmd: set timeout=5\n8 grub_cmd: menuentry one { true; }\n"
		"8 grub_cmd: submenu more --id sub { menuentry a --id two { linux /linux b; }; }\n"
		"8 grub_cmd: setparams more\n8 grub_cmd: menuentry a --id two { linux /linux b; }\n"
		"8 grub_cmd: setparams a\n8 grub_cmd: linux /linux b\n9 /linux\n8 kernel_cmdline: /linux b\n");
	prediction_done(&x->p);
	x->opt.entry = "nothing";
	esp_predict_fails(x, PCRCAST_ENOTFOUND,
			  "the menu has no entry \"nothing\": there are \"one\", \"more\" (sub)");
}

static void what_cannot_be_followed_is_named_with_its_line(void **state)
{
	struct esp *x = *state;

	grub_esp_put_usual(x);
	expect_stop(
		x, "echo a\nconfigfile (hd0,gpt2)/grub.cfg\n",
		"(hd0,gpt1)/EFI/debian/grub.cfg:2: /grub.cfg is on (hd0,gpt2), which is not in the image and no --grub-volume");
	expect_stop(x, "if keystatus --shift; then\n set a=b\nfi\n",
		    "grub.cfg:1: how the command before it ends");
	expect_stop(x, "search --fs-uuid --set=root 1234-ABCD\nconfigfile /x\n", "grub.cfg:2: ");
	esp_put_text(x, CFG, "set timeout=-1\nmenuentry a { true; }\n");
	prediction_done(&x->p);
	esp_predict(x);
	expect_reason(x, 8, "waits for the user", "--entry");
	expect_stop(x, "echo a | echo b\n", "grub.cfg:1: GRUB cannot parse it");
	expect_stop(x, "if true; then\n", "GRUB cannot parse it");
	expect_stop(x, "unheardof\n", "what the command unheardof does is not known");
	expect_stop(x, "exit\n", "leaves GRUB");
	expect_stop(x, "while true; do true; done\n", "runs too long");
	expect_stop(x, "function f {\n f\n}\nf\n", "nested deeper");
	expect_stop(x, "source " P "/grub.cfg\n", "nested");
	expect_stop(x, "set timeout=0\nmenuentry a { linux /nothing; }\n", "the entry ends with an error");
	expect_stop(x, "menuentry a { linux '/lin\n", "a single quote is not closed");
}

static void a_value_that_is_not_known_spoils_only_what_it_is_measured_into(void **state)
{
	struct esp *x = *state;

	grub_esp_put_usual(x);
	esp_put_text(
		x, CFG,
		"search --fs-uuid --set=dev 1234-ABCD\necho $dev\nset timeout=0\nmenuentry e {\nlinux /linux a\n}\n");
	esp_predict(x);
	expect_incomplete(x, 0); /* of those that this looks at: 4 and 9 are known */
	assert_true(x->p.incomplete & 1 << 8);
}

static void another_file_system_can_be_named(void **state)
{
	struct esp *x = *state;
	char volume[200];
	const char *volumes[] = { volume };

	grub_esp_put_usual(x);
	snprintf(volume, sizeof volume, "hd0,gpt2:1234-abcd:%s/boot", x->root);
	x->opt.grub_volumes = volumes;
	x->opt.n_grub_volumes = 1;
	esp_put_text(x, "boot/grub/grub.cfg", "set timeout=0\nmenuentry e {\nlinux /k a\n}\n");
	size_t n;
	uint8_t *kernel = build_kernel(1, 1, &n);
	esp_put(x, "boot/k", kernel, n);
	free(kernel);
	esp_put_text(
		x, CFG,
		"search.fs_uuid 1234-ABCD root hd0,gpt2 \nset prefix=($root)'/grub'\nconfigfile $prefix/grub.cfg\n");
	esp_predict(x);
	assert_string_equal(
		grub_esp_measured(x),
		"9 " P "/grub.cfg\n8 grub_cmd: search.fs_uuid 1234-ABCD root hd0,gpt2\n"
		"8 grub_cmd: set prefix=(hd0,gpt2)/grub\n8 grub_cmd: configfile (hd0,gpt2)/grub/grub.cfg\n"
		"9 (hd0,gpt2)/grub/grub.cfg\n8 grub_cmd: set timeout=0\n"
		"8 grub_cmd: menuentry e {\nlinux /k a\n}\n8 grub_cmd: setparams e\n8 grub_cmd: linux /k a\n"
		"9 /k\n8 kernel_cmdline: /k a\n");
	expect_stop(x, "source (hd0,gpt2)//grub/GRUB.cfg\n",
		    "whether //grub/GRUB.cfg is the file \\grub\\grub.cfg depends on the file system");
	prediction_done(&x->p);
	strcpy(volume, "hd0");
	esp_predict_fails(x, PCRCAST_EINVAL, "--grub-volume hd0: expected DEVICE:UUID:DIRECTORY");
}

static void modules_and_lists_are_read_from_the_prefix(void **state)
{
	static const char needs[] = "gfxterm\0newer";
	struct esp *x = *state;
	size_t n;
	uint8_t *module = build_grub_module("bli", needs, sizeof needs, &n);

	grub_esp_put_usual(x);
	esp_put(x, "EFI/debian/x86_64-efi/bli.mod", module, n);
	free(module);
	module = build_grub_module("newer", "", 0, &n);
	esp_put(x, "EFI/debian/x86_64-efi/newer.mod", module, n);
	free(module);
	expect_run(x, "insmod bli\ninsmod bli\ninsmod echo\ninsmod none",
		   "8 grub_cmd: insmod bli\n9 " P "/x86_64-efi/bli.mod\n9 " P "/x86_64-efi/newer.mod\n"
		   "8 grub_cmd: insmod bli\n8 grub_cmd: insmod echo\n8 grub_cmd: insmod none\n");
	expect_run(x, "if insmod none; then echo yes; else echo no; fi\nif insmod newer; then echo yes; fi",
		   "8 grub_cmd: insmod none\n8 grub_cmd: echo no\n8 grub_cmd: insmod newer\n"
		   "9 " P "/x86_64-efi/newer.mod\n8 grub_cmd: echo yes\n");
	esp_put_text(x, "other/x86_64-efi/command.lst", "ls: ls\n");
	expect_run(x, "set prefix=($root)/other",
		   "8 grub_cmd: set prefix=(hd0,gpt1)/other\n9 (hd0,gpt1)/other/x86_64-efi/command.lst\n");
}

static void a_newer_grub_hands_the_kernel_load_options_and_initrd(void **state)
{
	/* printf 'BOOT_IMAGE=/linux a' | iconv -t utf-16le */
	static const char line[] = "BOOT_IMAGE=/linux a";
	struct bytes initrd = { NULL, 0 }, wide = { NULL, 0 };
	struct esp *x = *state;
	size_t n;

	grub_esp_put_usual(x);
	grub_esp_put_image(x,
			   &(struct build_grub){ "/EFI/debian", NULL, grub_ubuntu_sbat, grub_usual_modules });
	esp_put_text(x, CFG, "set timeout=0\nmenuentry e {\nlinux /linux a\ninitrd /initrd /initrd\n}\n");
	esp_predict(x);
	uint8_t *kernel = build_kernel(1, 1, &n), *grub;
	expect_firmware(x);
	size_t n_grub;
	grub = build_grub(&(struct build_grub){ "/EFI/debian", NULL, grub_ubuntu_sbat, grub_usual_modules },
			  &n_grub);
	expect_image(x, "\\EFI\\BOOT\\BOOTX64.EFI", grub, n_grub);
	const char *names[] = { P "/grub.cfg", P "/grub.cfg", "/linux", "/initrd", "/initrd" };
	static const char config[] =
		"set timeout=0\nmenuentry e {\nlinux /linux a\ninitrd /initrd /initrd\n}\n";
	struct slice contents[] = { slice_of_string(config),
				    slice_of_string(config),
				    { kernel, n },
				    slice_of_string("initrd"),
				    slice_of_string("initrd") };
	for (size_t i = 0; i < 5; i++)
		expect_event(x, 9, EV_IPL, (struct slice){ (const uint8_t *)names[i], strlen(names[i]) + 1 },
			     contents[i]);
	for (size_t i = 0; i < sizeof line - 1; i++)
		bytes_add(&wide, (const char[]){ line[i], 0 }, 2);
	static const uint8_t data[] = "\xed\x22\x3b\x8f\x1a\0\0\0LOADED_IMAGE::LoadOptions";
	expect_event(x, 9, EV_EVENT_TAG, (struct slice){ data, sizeof data },
		     (struct slice){ wide.p, wide.n });
	bytes_add(&initrd, "initrd\0\0initrd", 14);
	expect_initrd(x, initrd);
	expect_end(x);
	bytes_done(&wide);
	free(kernel);
	free(grub);
}

static void a_chain_loaded_image_is_a_stage_like_any_other(void **state)
{
	struct esp *x = *state;

	grub_esp_put_usual(x);
	esp_put_text(x, CFG, "set timeout=0\nmenuentry e {\nchainloader /linux a b\n}\n");
	esp_predict(x);
	assert_string_equal(grub_esp_measured(x),
			    "9 " P "/grub.cfg\n8 grub_cmd: set timeout=0\n"
			    "8 grub_cmd: menuentry e {\nchainloader /linux a b\n}\n8 grub_cmd: setparams e\n"
			    "8 grub_cmd: chainloader /linux a b\n9 /linux\n9 kernel\n");
}

/* Images that PCR 4 has as started. */
static unsigned count_images(struct esp *x)
{
	unsigned n = 0;

	for (size_t i = 0; i < x->p.log.n_events; i++)
		n += x->p.log.events[i].pcr == 4 &&
		     x->p.log.events[i].type == (uint32_t)EV_EFI_BOOT_SERVICES_APPLICATION;
	return n;
}

/* Boots chain-2.06 and chain-2.12 of tests/boot. */
static void a_chain_loaded_image_is_measured_unless_grub_loads_it_itself(void **state)
{
	static const char config[] = "set timeout=0\nmenuentry e {\nchainloader /linux\n}\n";
	struct esp *x = *state;

	grub_esp_put_usual(x);
	esp_put_text(x, CFG, config);
	esp_predict(x);
	assert_int_equal(count_images(x), 2);
	expect_incomplete(x, 0);
	prediction_done(&x->p);
	grub_esp_put_image(x,
			   &(struct build_grub){ "/EFI/debian", NULL, grub_ubuntu_sbat, grub_usual_modules });
	esp_predict(x);
	assert_int_equal(count_images(x), 1);
	expect_incomplete(x, 0);
	/* An image without the module that loads images. */
	static const char *const modules[] = { "tpm", "normal", "linux", "chain", "boot", NULL };
	prediction_done(&x->p);
	grub_esp_put_image(x, &(struct build_grub){ "/EFI/debian", NULL, grub_ubuntu_sbat, modules });
	esp_predict(x);
	assert_int_equal(count_images(x), 2);
	esp_put_text(x, CFG, "set timeout=0\nmenuentry e {\nlinux /linux\n}\n");
	prediction_done(&x->p);
	esp_predict(x);
	assert_int_equal(count_images(x), 2);
	esp_put_text(x, CFG, config);
	prediction_done(&x->p);
	grub_esp_put_image(x, &(struct build_grub){ "/EFI/debian", NULL, "sbat,1\ngrub,9,FSF,grub,9.99,u\n",
						    grub_usual_modules });
	esp_predict(x);
	expect_reason(x, 4, "whether this build of GRUB has firmware load an image is not known", NULL);
}

/* As in boots of Debian's 2.14 without shim and with shim 16.1. */
static void an_image_is_left_to_a_shim_that_brings_a_loader(void **state)
{
	static const char *const modules[] = { "tpm", "normal", "linux", "+peimage", "boot", NULL };
	static const struct {
		const char *shim;
		const char *const *modules;
		size_t images; /* those before it among them */
	} rows[] = {
		{ NULL, modules, 1 },
		{ "15.8", modules, 2 },
		{ "16.1", modules, 3 },
		{ "16.1", grub_usual_modules, 2 },
	};
	struct esp *x = *state;

	grub_esp_put_usual(x);
	esp_put_text(x, CFG, "set timeout=0\nmenuentry e {\nlinux /linux\n}\n");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct build_grub grub = { "/EFI/debian", NULL, grub_ubuntu_sbat, rows[i].modules };
		size_t n;
		uint8_t *p = build_grub(&grub, &n);

		esp_put(x, rows[i].shim ? "EFI/BOOT/grubx64.efi" : "EFI/BOOT/BOOTX64.EFI", p, n);
		free(p);
		if (rows[i].shim)
			put_shim(x, "EFI/BOOT/BOOTX64.EFI", (struct build_shim){ .version = rows[i].shim });
		esp_predict(x);
		assert_int_equal(count_images(x), rows[i].images);
		prediction_done(&x->p);
	}
}

static void a_build_that_no_row_describes_leaves_the_kernel_open(void **state)
{
	struct esp *x = *state;

	grub_esp_put_usual(x);
	grub_esp_put_image(
		x, &(struct build_grub){ "/EFI/debian", NULL,
					 "sbat,1\ngrub,9,FSF,grub,9.99,u\ngrub.acme,1,Acme,grub,9.99-1,u\n",
					 grub_usual_modules });
	esp_put_text(x, CFG, "set timeout=0\nmenuentry e {\nlinux /linux a\n}\n");
	esp_predict(x);
	expect_incomplete(x, 1 << 4 | 1 << 9);
	expect_reason(x, 4, "how GRUB 9.99-1 (\\EFI\\BOOT\\BOOTX64.EFI) starts a kernel is not known", NULL);
}

/* An image as grub-mkstandalone makes it, or with a font and a configuration in a squashfs. */
static void put_memdisk(struct esp *x, const struct build_grub *what, const char *name)
{
	char path[100];
	size_t n, n_image;

	snprintf(path, sizeof path, "tests/data/filesystems/%s", name);
	uint8_t *disk = load_file(path, &n), *image = build_grub_with_memdisk(what, disk, n, &n_image);
	grub_esp_put_usual(x);
	esp_put(x, BOOT, image, n_image);
	free(disk);
	free(image);
}

static void what_is_in_the_memory_disk_is_run_and_not_measured(void **state)
{
	static const char *const names[] = { "memdisk.tar", "memdisk.newc", "memdisk.squashfs",
					     "memdisk-gzip.squashfs" };
	struct esp *x = *state;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		/* The prefix makes the memory disk the first root. */
		put_memdisk(x,
			    &(struct build_grub){ "(memdisk)/", "set root=hd0,gpt1\n", grub_debian_sbat,
						  grub_usual_modules },
			    names[i]);
		prediction_done(&x->p);
		esp_predict(x);
		assert_string_equal(
			grub_esp_measured(x),
			"8 grub_cmd: set timeout=0\n"
			"8 grub_cmd: menuentry e {\nlinux ($root)/linux a\n}\n8 grub_cmd: setparams e\n"
			"8 grub_cmd: linux (hd0,gpt1)/linux a\n9 (hd0,gpt1)/linux\n"
			"8 kernel_cmdline: (hd0,gpt1)/linux a\n");
		expect_incomplete(x, 0);
	}
}

static void fonts_are_looked_for_where_the_build_does(void **state)
{
	static const char config[] = "if loadfont unicode; then echo yes; else echo no; fi";
	static const struct build_grub debian = { "/EFI/debian", NULL, grub_debian_sbat, grub_usual_modules },
				       redhat = {
					       "/EFI/debian", NULL,
					       "sbat,1\ngrub,3,F,grub,2.06,u\ngrub.rh,2,R,grub2,2.06-1,u\n",
					       grub_usual_modules
				       };
	struct esp *x = *state;

	put_memdisk(x, &debian, "memdisk.squashfs");
	expect_run(x, config, "8 grub_cmd: loadfont unicode\n8 grub_cmd: echo yes\n");
	put_memdisk(x, &redhat, "memdisk.squashfs");
	prediction_done(&x->p);
	esp_predict(x);
	assert_non_null(strstr(grub_esp_measured(x), "8 grub_cmd: echo no\n"));
	/* A link in there, and a disk that is none of what is read. */
	put_memdisk(x, &debian, "memdisk.squashfs");
	expect_stop(x, "source (memdisk)/link\n", "links and special files of a squashfs are not followed");
	put_memdisk(x, &debian, "memdisk.origin");
	expect_stop(x, config, "not a tar archive");
}

static void numbers_are_counted_up_and_down(void **state)
{
	static const char *const modules[] = { "tpm",   "normal", "test",   "true",      "echo",
					       "linux", "boot",   "search", "increment", NULL };
	struct esp *x = *state;

	grub_esp_put_usual(x);
	grub_esp_put_image(x, &(struct build_grub){ "/EFI/debian", NULL, grub_debian_sbat, modules });
	expect_run(x, "set a=2\nincrement a\necho $a\nset b=-1\ndecrement b\necho $b",
		   "8 grub_cmd: set a=2\n8 grub_cmd: increment a\n8 grub_cmd: echo 3\n8 grub_cmd: set b=-1\n"
		   "8 grub_cmd: decrement b\n8 grub_cmd: echo -2\n");
	expect_run(x, "set a=x\nif decrement a; then echo yes; else echo $a; fi",
		   "8 grub_cmd: set a=x\n8 grub_cmd: decrement a\n8 grub_cmd: echo x\n");
}

static void a_prefix_without_a_disk_is_on_that_of_the_image(void **state)
{
	struct esp *x = *state;
	char volume[200];
	const char *volumes[] = { volume };

	grub_esp_put_usual(x);
	grub_esp_put_image(
		x, &(struct build_grub){ "(,gpt2)/grub", NULL, grub_debian_sbat, grub_usual_modules });
	snprintf(volume, sizeof volume, "hd0,gpt2::%s/boot", x->root);
	x->opt.grub_volumes = volumes;
	x->opt.n_grub_volumes = 1;
	esp_put_text(x, "boot/k", "");
	esp_put_text(
		x, "boot/grub/grub.cfg",
		"echo $root $prefix\nset root=hd0,gpt1\nset timeout=0\nmenuentry e {\nlinux /linux\n}\n");
	esp_predict(x);
	assert_non_null(strstr(grub_esp_measured(x),
			       "9 (hd0,gpt2)/grub/grub.cfg\n8 grub_cmd: echo hd0,gpt2 (hd0,gpt2)/grub\n"));
	expect_incomplete(x, 0);
	prediction_done(&x->p);
	grub_esp_put_image(x,
			   &(struct build_grub){ "(hd0,gpt2", NULL, grub_debian_sbat, grub_usual_modules });
	esp_predict_fails(x, PCRCAST_EFORMAT, "expected a \")\" in the embedded prefix, found (hd0,gpt2");
}

static void an_image_cut_short_is_an_error(void **state)
{
	static const struct build_grub what = { "/EFI/debian", NULL, grub_debian_sbat, grub_usual_modules };
	struct esp *x = *state;
	size_t n;
	uint8_t *p = build_grub(&what, &n);
	uint8_t *mods = p + get_u32le(built_section_header(p, 1) + 20);

	grub_esp_put_usual(x);
	uint64_t size = get_u64le(mods + 16);
	put_u64le(mods + 16, UINT64_MAX);
	esp_put(x, BOOT, p, n);
	esp_predict_fails(x, PCRCAST_EUNSUPPORTED, "its section mods is not laid out");
	put_u64le(mods + 16, size);
	put_u32le(mods + 28, 7);
	esp_put(x, BOOT, p, n);
	esp_predict_fails(x, PCRCAST_EFORMAT, "7 bytes, at least 8");
	put_u32le(mods + 28, 1 << 30);
	esp_put(x, BOOT, p, n);
	esp_predict_fails(x, PCRCAST_ETRUNC, "runs past the end");
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ESP(the_events_of_a_boot_are_commands_files_and_the_command_line),
		WITH_ESP(words_are_quoted_split_and_joined_as_grub_does),
		WITH_ESP(branches_and_loops_follow_what_commands_return),
		WITH_ESP(tests_compare_texts_numbers_and_files),
		WITH_ESP(saved_entry_and_submenus_choose_what_is_booted),
		WITH_ESP(what_cannot_be_followed_is_named_with_its_line),
		WITH_ESP(a_value_that_is_not_known_spoils_only_what_it_is_measured_into),
		WITH_ESP(another_file_system_can_be_named),
		WITH_ESP(modules_and_lists_are_read_from_the_prefix),
		WITH_ESP(a_newer_grub_hands_the_kernel_load_options_and_initrd),
		WITH_ESP(a_chain_loaded_image_is_a_stage_like_any_other),
		WITH_ESP(a_chain_loaded_image_is_measured_unless_grub_loads_it_itself),
		WITH_ESP(an_image_is_left_to_a_shim_that_brings_a_loader),
		WITH_ESP(a_build_that_no_row_describes_leaves_the_kernel_open),
		WITH_ESP(what_is_in_the_memory_disk_is_run_and_not_measured),
		WITH_ESP(fonts_are_looked_for_where_the_build_does),
		WITH_ESP(numbers_are_counted_up_and_down),
		WITH_ESP(a_prefix_without_a_disk_is_on_that_of_the_image),
		WITH_ESP(an_image_cut_short_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
