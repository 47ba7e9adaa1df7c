/* Entries of the Boot Loader Specification in GRUB's menu: blscfg of Red Hat and of upstream, uki. */
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
#include "tests/unit/build_tree.h"

#define CFG "EFI/debian/grub.cfg"
#define P "(hd0,gpt1)/EFI/debian"
#define E "(hd0,gpt1)/loader/entries//"

static const char redhat_206_sbat[] =
	"sbat,1\ngrub,3,FSF,grub,2.06,u\ngrub.rh,2,Red Hat,grub2,2.06-94.el9,u\n";
static const char redhat_212_sbat[] =
	"sbat,1\ngrub,5,FSF,grub,2.12,u\ngrub.rh,2,Red Hat,grub2,2.12-10.fc41,u\n";
static const char debian_214_sbat[] = "sbat,1\ngrub,5,FSF,grub,2.14,u\ngrub.debian,5,Debian,grub2,2.14-4,u\n";
static const char *const upstream_modules[] = { "tpm",    "normal",     "test",    "true",
						"linux",  "chain",      "peimage", "boot",
						"search", "configfile", "blsuki",  NULL };

/* ---- Red Hat ---- */

/*
 * What RHEL 9 generates, where it matters for the log, and the lines of the log itself: tpm2-tools,
 * test/integration/fixtures/event-moklisttrusted.bin.
 */
static const char rhel_pointer[] =
	"search --no-floppy --fs-uuid --set=dev ed5e9398-1a8f-4ae2-a8b8-c4cd677a759f\nset prefix=($dev)/grub2\n\n"
	"export $prefix\nconfigfile $prefix/grub.cfg\n";
static const char rhel_config[] =
	"set pager=1\nif [ -f ${config_directory}/grubenv ]; then\n  load_env -f ${config_directory}/grubenv\n"
	"elif [ -s $prefix/grubenv ]; then\n  load_env\nfi\nif [ \"${next_entry}\" ] ; then\n   set boot_once=true\n"
	"else\n   set default=\"${saved_entry}\"\nfi\nif [ x\"${feature_menuentry_id}\" = xy ]; then\n"
	"  menuentry_id_option=\"--id\"\nelse\n  menuentry_id_option=\"\"\nfi\nexport menuentry_id_option\n"
	"function load_video {\n  if [ x$feature_all_video_module = xy ]; then\n    insmod all_video\n  fi\n}\n"
	"terminal_input serial console\nset timeout_style=menu\nset timeout=5\ninsmod increment\n"
	"if [ -n \"${boot_counter}\" -a \"${boot_success}\" = \"0\" ]; then\n  save_env boot_counter\nfi\n"
	"search --no-floppy --fs-uuid --set=root ed5e9398-1a8f-4ae2-a8b8-c4cd677a759f\n"
	"insmod blscfg\nblscfg\n"
	"if [ \"${boot_success}\" = \"1\" -o \"${boot_indeterminate}\" = \"1\" ]; then\n  set menu_hide_ok=1\n"
	"else\n  set menu_hide_ok=0 \nfi\nset boot_success=0\nsave_env boot_success boot_indeterminate\n"
	"if [ \"$grub_platform\" = \"efi\" ]; then\n"
	"\tmenuentry 'UEFI Firmware Settings' $menuentry_id_option 'uefi-firmware' {\n\t\tfwsetup\n\t}\nfi\n";
static const char rhel_environment[] =
	"# GRUB Environment Block\nsaved_entry=54e4e23536524c529b66e491dfc77274-5.14.0-130.el9.x86_64\n"
	"menu_auto_hide=1\nboot_success=0\nboot_indeterminate=0\n####";
#define RHEL_OPTIONS                                                                                          \
	"root=UUID=10d7f09f-7852-4b75-a2b6-2355d99b4376 ro resume=UUID=c39a47a6-aaad-45f9-87f1-26be66fe2a24 " \
	"console=ttyS0,115200"
static const char rhel_entry[] =
	"title Red Hat Enterprise Linux (5.14.0-130.el9.x86_64) 9.1 (Plow)\nversion 5.14.0-130.el9.x86_64\n"
	"linux /vmlinuz-5.14.0-130.el9.x86_64\ninitrd /initramfs-5.14.0-130.el9.x86_64.img\n"
	"options " RHEL_OPTIONS "\ngrub_users $grub_users\ngrub_arg --unrestricted\ngrub_class rhel\n";
static const char rhel_log[] =
	"9 " P "/grub.cfg\n9 " P "/grub.cfg\n"
	"8 grub_cmd: search --no-floppy --fs-uuid --set=dev ed5e9398-1a8f-4ae2-a8b8-c4cd677a759f\n"
	"8 grub_cmd: set prefix=(hd0,gpt2)/grub2\n"
	"8 grub_cmd: export (hd0,gpt2)/grub2\n"
	"8 grub_cmd: configfile (hd0,gpt2)/grub2/grub.cfg\n"
	"9 (hd0,gpt2)/grub2/grub.cfg\n"
	"8 grub_cmd: set pager=1\n"
	"8 grub_cmd: [ -f (hd0,gpt2)/grub2/grubenv ]\n"
	"8 grub_cmd: load_env -f (hd0,gpt2)/grub2/grubenv\n"
	"9 (hd0,gpt2)/grub2/grubenv\n"
	"8 grub_cmd: [  ]\n"
	"8 grub_cmd: set default=54e4e23536524c529b66e491dfc77274-5.14.0-130.el9.x86_64\n"
	"8 grub_cmd: [ xy = xy ]\n"
	"8 grub_cmd: menuentry_id_option=--id\n"
	"8 grub_cmd: export menuentry_id_option\n"
	"8 grub_cmd: terminal_input serial console\n"
	"8 grub_cmd: set timeout_style=menu\n"
	"8 grub_cmd: set timeout=5\n"
	"8 grub_cmd: insmod increment\n"
	"8 grub_cmd: [ -n  -a 0 = 0 ]\n"
	"8 grub_cmd: search --no-floppy --fs-uuid --set=root ed5e9398-1a8f-4ae2-a8b8-c4cd677a759f\n"
	"8 grub_cmd: insmod blscfg\n"
	"8 grub_cmd: blscfg\n"
	"%s"
	"8 grub_cmd: [ 0 = 1 -o 0 = 1 ]\n"
	"8 grub_cmd: set menu_hide_ok=0\n"
	"8 grub_cmd: set boot_success=0\n"
	"8 grub_cmd: save_env boot_success boot_indeterminate\n"
	"8 grub_cmd: [ efi = efi ]\n"
	"8 grub_cmd: menuentry UEFI Firmware Settings --id uefi-firmware {\n\t\tfwsetup\n\t}\n"
	"8 grub_cmd: load_video\n"
	"8 grub_cmd: [ xy = xy ]\n"
	"8 grub_cmd: insmod all_video\n"
	"8 grub_cmd: set gfxpayload=keep\n"
	"8 grub_cmd: insmod gzio\n"
	"8 grub_cmd: linux (hd0,gpt2)/vmlinuz-5.14.0-130.el9.x86_64 " RHEL_OPTIONS "\n"
	"9 (hd0,gpt2)/vmlinuz-5.14.0-130.el9.x86_64\n"
	"8 kernel_cmdline: (hd0,gpt2)/vmlinuz-5.14.0-130.el9.x86_64 " RHEL_OPTIONS "\n"
	"8 grub_cmd: initrd (hd0,gpt2)/initramfs-5.14.0-130.el9.x86_64.img\n"
	"9 (hd0,gpt2)/initramfs-5.14.0-130.el9.x86_64.img\n";

static void put_rhel(struct esp *x, const char *sbat, char *volume, size_t n_volume)
{
	size_t n;
	uint8_t *kernel = build_kernel(1, 1, &n);

	grub_esp_put_usual(x);
	grub_esp_put_image(x, &(struct build_grub){ "/EFI/debian", NULL, sbat, grub_usual_modules });
	esp_put_text(x, CFG, rhel_pointer);
	esp_put_text(x, "boot/grub2/grub.cfg", rhel_config);
	esp_put_text(x, "boot/grub2/grubenv", rhel_environment);
	put_u32le(kernel + 0x238, 2047); /* cmdline_size */
	esp_put(x, "boot/vmlinuz-5.14.0-130.el9.x86_64", kernel, n);
	esp_put_text(x, "boot/initramfs-5.14.0-130.el9.x86_64.img", "initrd");
	esp_put_text(x, "boot/loader/entries/54e4e23536524c529b66e491dfc77274-5.14.0-130.el9.x86_64.conf",
		     rhel_entry);
	free(kernel);
	snprintf(volume, n_volume, "hd0,gpt2:ed5e9398-1a8f-4ae2-a8b8-c4cd677a759f:%s/boot", x->root);
}

static void red_hats_entry_runs_as_the_log_of_a_machine_has_it(void **state)
{
	static const char rescue[] = "boot/loader/entries/54e4e23536524c529b66e491dfc77274-0-rescue.conf";
	struct esp *x = *state;
	char volume[200], text[8192];
	const char *names[] = { volume };

	put_rhel(x, redhat_206_sbat, volume, sizeof volume);
	x->opt.grub_volumes = names;
	x->opt.n_grub_volumes = 1;
	esp_predict(x);
	snprintf(
		text, sizeof text, rhel_log,
		"9 (hd0,gpt2)/loader/entries//54e4e23536524c529b66e491dfc77274-5.14.0-130.el9.x86_64.conf\n");
	assert_string_equal(grub_esp_measured(x), text);
	expect_incomplete(x, 0);

	/* Of two files a directory does not tell the order, in which PCR 9 has them. */
	esp_put_text(x, rescue, "title rescue\nlinux /vmlinuz-0-rescue\noptions a b\n");
	prediction_done(&x->p);
	esp_predict(x);
	snprintf(text, sizeof text, rhel_log, "9 ?\n9 ?\n");
	assert_string_equal(grub_esp_measured(x), text);
	expect_incomplete(x, 1 << 9);
	expect_reason(x, 9, "is that of the file system, of which a directory does not tell", NULL);
}

/* ---- what follows is on the ESP, in an order that is known ---- */

struct disk {
	struct memory_files files;
	void *image, *kernel;
};

static void put(struct disk *d, const char *path, const char *text)
{
	memory_put(&d->files, path, slice_of_string(text));
}

static void disk_open(struct disk *d, const char *sbat, const char *const *modules, const char *config)
{
	size_t n;

	memset(d, 0, sizeof *d);
	d->image = build_grub(&(struct build_grub){ "/EFI/debian", NULL, sbat, modules }, &n);
	memory_put(&d->files, "\\EFI\\BOOT\\BOOTX64.EFI", (struct slice){ d->image, n });
	d->kernel = build_kernel(1, 1, &n);
	memory_put(&d->files, "\\k", (struct slice){ d->kernel, n });
	put(d, "\\i", "initrd");
	put(d, "\\EFI\\debian\\grub.cfg", config);
}

static void disk_predict(struct esp *x, struct disk *d)
{
	struct image img = { .kind = IMAGE_DIRECTORY, .esp = memory_tree(&d->files) };

	prediction_done(&x->p);
	x->opt.pcrs = 1 << 4 | 1 << 8 | 1 << 9;
	x->result = predict(&img, &x->opt, &x->p, &x->e);
	if (x->result)
		fail_msg("%s", x->e.msg);
	tree_free(img.esp);
	free(d->image);
	free(d->kernel);
}

/* Is this among what is measured? */
static void expect_words(struct esp *x, const char *words)
{
	if (!strstr(grub_esp_measured(x), words))
		fail_msg("not measured: %s\nbut:\n%s", words, grub_esp_measured(x));
}

static void files_are_measured_in_the_order_of_the_disk_and_listed_in_that_of_names(void **state)
{
	static const char entry[] = "linux /k\noptions $root ${id}\n";
	struct esp *x = *state;
	struct disk d;

	disk_open(&d, redhat_212_sbat, grub_usual_modules, "set timeout=0\nblscfg\n");
	put(&d, "\\loader\\entries\\m-5.9-1.conf", entry);
	put(&d, "\\loader\\entries\\m-0-rescue.conf", entry);
	put(&d, "\\loader\\entries\\m-5.10-2.conf", "linux /k\noptions newest one\n");
	put(&d, "\\loader\\entries\\notes.txt", "no entry");
	put(&d, "\\loader\\entries\\.hidden.conf", "no entry");
	put(&d, "\\loader\\entries\\m-5.10-1.conf", entry);
	disk_predict(x, &d);
	assert_string_equal(grub_esp_measured(x),
			    "9 " P "/grub.cfg\n9 " P "/grub.cfg\n8 grub_cmd: set timeout=0\n"
			    "8 grub_cmd: blscfg\n9 " E "m-5.9-1.conf\n9 " E "m-0-rescue.conf\n"
			    "9 " E "m-5.10-2.conf\n9 " E "m-5.10-1.conf\n8 grub_cmd: load_video\n"
			    "8 grub_cmd: set gfxpayload=keep\n8 grub_cmd: insmod gzio\n"
			    "8 grub_cmd: linux (hd0,gpt1)/k newest one\n9 (hd0,gpt1)/k\n"
			    "8 kernel_cmdline: (hd0,gpt1)/k newest one\n");
	expect_incomplete(x, 0);
}

static void the_default_entry_has_an_id_before_a_title_before_a_number(void **state)
{
	static const struct {
		const char *value, *booted;
	} rows[] = {
		{ "5-a", "a" },     { "2", "a" },   { "5-a trailing", "a" }, { "Two words", "b" },
		{ "nothing", "c" }, { "1 x", "b" }, { "1x", "c" },           { "5", "c" },
	};
	struct esp *x = *state;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char config[200], words[100];
		struct disk d;

		snprintf(config, sizeof config, "set timeout=0\nset default=\"%s\"\nblscfg\n", rows[i].value);
		disk_open(&d, redhat_206_sbat, grub_usual_modules, config);
		put(&d, "\\loader\\entries\\5-a.conf", "title A\nlinux /k\noptions booted=a\n");
		put(&d, "\\loader\\entries\\6-b.conf", "title Two words\nlinux /k\noptions booted=b\n");
		put(&d, "\\loader\\entries\\7-c.conf", "title C\nlinux /k\noptions booted=c\n");
		disk_predict(x, &d);
		snprintf(words, sizeof words, "kernel_cmdline: (hd0,gpt1)/k booted=%s\n", rows[i].booted);
		expect_words(x, words);
	}
}

static void red_hats_blscfg_takes_a_name_or_a_directory(void **state)
{
	static const char a[] = "title A\nlinux /k\noptions booted=a\n", b[] = "linux /k\noptions booted=b\n";
	static const struct {
		const char *config, *words;
	} rows[] = {
		/* The default entry first, then the others: each file is opened again. */
		{ "set default=a-1\nblscfg default\nblscfg non-default\n",
		  "9 " E "a-1.conf\n9 " E "b-1.conf\n8 grub_cmd: blscfg non-default\n9 " E "a-1.conf\n9 " E
		  "b-1.conf\n" },
		{ "set default=a-1\nblscfg default\nunset default\n", "booted=a\n" },
		{ "set default=A\nblscfg non-default\nunset default\n", "booted=b\n" },
		{ "blscfg a-1\n", "booted=a\n" },
		{ "blscfg (hd0,gpt1)/more\n", "9 (hd0,gpt1)/more/c.conf\n8 grub_cmd: load_video\n" },
		{ "set blsdir=/more\nblscfg\n", "9 (hd0,gpt1)/more/c.conf\n8 grub_cmd: load_video\n" },
		{ "set blsdir=/none\nblscfg\n", "9 (hd0,gpt1)/boot/loader/entries//d.conf\n" },
	};
	struct esp *x = *state;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char config[200];
		struct disk d;

		snprintf(config, sizeof config, "set timeout=0\n%s", rows[i].config);
		disk_open(&d, redhat_206_sbat, grub_usual_modules, config);
		put(&d, "\\loader\\entries\\a-1.conf", a);
		put(&d, "\\loader\\entries\\b-1.conf", b);
		put(&d, "\\more\\c.conf", a);
		put(&d, "\\boot\\loader\\entries\\d.conf", a);
		disk_predict(x, &d);
		expect_words(x, rows[i].words);
		expect_incomplete(x, 0);
	}
}

static void red_hats_variables_fill_an_entry(void **state)
{
	struct esp *x = *state;
	struct disk d;

	disk_open(&d, redhat_206_sbat, grub_usual_modules,
		  "set timeout=0\nset early_initrd=\"e1 e2\"\nset default_kernelopts=\"root=x $kern\"\n"
		  "set devicetree=t.dtb\nset save_default=true\nfunction savedefault {\n true\n}\nblscfg\n");
	put(&d, "\\b\\e1", "1");
	put(&d, "\\b\\e2", "2");
	put(&d, "\\b\\i", "3");
	put(&d, "\\loader\\entries\\a-1.conf", "linux /k\ninitrd /b/i\n");
	disk_predict(x, &d);
	expect_words(x, "8 grub_cmd: savedefault\n8 grub_cmd: true\n8 grub_cmd: load_video\n");
	expect_words(x, "8 grub_cmd: linux (hd0,gpt1)/k root=x\n");
	expect_words(
		x, "8 grub_cmd: initrd (hd0,gpt1)/b/e1 (hd0,gpt1)/b/e2 (hd0,gpt1)/b/i\n9 (hd0,gpt1)/b/e1\n");
	expect_words(x, "8 grub_cmd: devicetree (hd0,gpt1)/t.dtb\n");
}

/* ---- upstream ---- */

/* What the one entry with these options passes to the kernel; expected NULL: there are none. */
static void expect_options(struct esp *x, const char *options, const char *expected)
{
	char entry[300], words[300];
	struct disk d;

	disk_open(&d, debian_214_sbat, upstream_modules,
		  "set timeout=0\nset ab=value\nset a=1\nset two=\"x y\"\nset empty=\nblscfg\n");
	snprintf(entry, sizeof entry, "linux /k\noptions %s\n", options);
	put(&d, "\\loader\\entries\\a.conf", entry);
	disk_predict(x, &d);
	snprintf(words, sizeof words, "8 grub_cmd: linux /k%s%s\n", expected ? " " : "",
		 expected ? expected : "");
	expect_words(x, words);
}

/* By hand from expand_val() of blscfg.c, which blsuki.c shares; the first three were booted (tests/boot, bls-newest). */
static void variables_in_values_expand_with_all_that_is_odd(void **state)
{
	struct esp *x = *state;

	expect_options(x, "ro 1=$two 2=$none/3", "ro 1=x y 2=/3");
	expect_options(x, "ro $two$ab 'quo ted' $ab", "ro x y value quo ted value");
	expect_options(x, "a=b $ab c=d", "a=b value c=d");
	expect_options(x, "a=b $ab c", "a=b value"); /* a last part of one byte is lost */
	expect_options(x, "r", NULL);                /* one byte is no value */
	expect_options(x, "ro $a", "ro");            /* nor is it a name at the end */
	expect_options(x, "ro $a bc", "ro 1 bc");    /* but it is one elsewhere */
	expect_options(x, "$none rest", "rest");     /* not set, and gone with its blank */
	expect_options(x, "$none$ab rest", NULL);    /* not set in front: nothing is left */
	expect_options(x, "$ab,quiet", "value ,quiet");
	expect_options(x, "ro ${ab}", "ro {ab}");
}

static void upstreams_blscfg_takes_options(void **state)
{
	static const char a[] = "title A\nlinux /k\noptions booted=a\n", b[] = "linux /k\noptions booted=b\n";
	static const struct {
		const char *config, *words;
	} rows[] = {
		{ "blscfg", "booted=b\n" }, /* b-1 sorts in front of a-1 */
		{ "blscfg -p /more", "9 (hd0,gpt1)/more/c.conf\n8 grub_cmd: linux /k booted=a\n" },
		{ "blscfg --path=(hd0,gpt1)/more", "9 (hd0,gpt1)/more/c.conf\n" },
		{ "blscfg --path /none -f", "9 " E "a-1.conf\n9 " E "b-1.conf\n" },
		{ "blscfg -e a-1.conf", "booted=a\n" },
		{ "set default=A\nblscfg -d\nunset default", "booted=a\n" },
		{ "set default=1\nblscfg -n\nunset default", "booted=b\n" },
		/* upstream takes what begins with a digit for a number, here one that is too high */
		{ "set default=9-x\nblscfg", "booted=b\n" },
	};
	struct esp *x = *state;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char config[200];
		struct disk d;

		snprintf(config, sizeof config, "set timeout=0\n%s\n", rows[i].config);
		disk_open(&d, debian_214_sbat, upstream_modules, config);
		put(&d, "\\loader\\entries\\a-1.conf", a);
		put(&d, "\\loader\\entries\\b-1.conf", b);
		put(&d, "\\more\\c.conf", a);
		disk_predict(x, &d);
		expect_words(x, rows[i].words);
		expect_incomplete(x, 0);
	}
}

static void a_line_without_a_value_ends_an_entry(void **state)
{
	struct esp *x = *state;
	struct disk d;

	disk_open(&d, debian_214_sbat, upstream_modules, "set timeout=0\nblscfg\n");
	put(&d, "\\loader\\entries\\a.conf",
	    "# comment\r\n\tlinux\t /k\r\noptions  tabs\tand blanks \r\n\r\ninitrd /i\r\n");
	disk_predict(x, &d);
	expect_words(x, "8 grub_cmd: linux /k tabs and blanks\n9 /k\n");
	assert_null(strstr(grub_esp_measured(x), "initrd"));
}

static void a_uki_is_chain_loaded_with_its_command_line(void **state)
{
	static const char osrel[] = "# comment\nID=x\nPRETTY_NAME=\"The \\\"one\\\"\"\n";
	static const char stub[] = "#### LoaderInfo: systemd-stub 257 ####";
	size_t n_kernel;
	uint8_t *kernel = build_kernel(1, 1, &n_kernel);
	const struct built_section sections[] = {
		{ .name = ".sdmagic", .bytes = stub, .n = sizeof stub },
		{ .name = ".osrel", .bytes = osrel, .n = sizeof osrel },
		{ .name = ".cmdline", .bytes = "quiet 'a b'", .n = 12 },
		{ .name = ".linux", .bytes = kernel, .n = n_kernel },
	};
	struct esp *x = *state;
	struct disk d;
	size_t n;
	uint8_t *uki = build_pe(&(struct build_pe){ .sections = sections, .n_sections = 4 }, &n);

	disk_open(&d, debian_214_sbat, upstream_modules, "set timeout=0\nuki\n");
	memory_put(&d.files, "\\EFI\\Linux\\a-9.efi", (struct slice){ uki, n });
	memory_put(&d.files, "\\EFI\\Linux\\a-10.efi", (struct slice){ uki, n });
	disk_predict(x, &d);
	expect_words(x, "9 " P "/grub.cfg\n9 " P "/grub.cfg\n8 grub_cmd: set timeout=0\n8 grub_cmd: uki\n"
			"9 (hd0,gpt1)/EFI/Linux/a-9.efi\n9 (hd0,gpt1)/EFI/Linux/a-10.efi\n"
			"8 grub_cmd: chainloader (hd0,gpt1)/EFI/Linux/a-10.efi quiet a b\n"
			"9 (hd0,gpt1)/EFI/Linux/a-10.efi\n");
	expect_incomplete(x, 0);
	free(kernel);
	free(uki);
}

/* ---- what is not known ---- */

static void what_depends_on_the_build_or_the_disk_is_said(void **state)
{
	static const struct {
		const char *sbat;
		const char *config;
		const char *file, *text;
		const char *words;
	} rows[] = {
		{ grub_debian_sbat, "blscfg", "\\loader\\entries\\a.conf", "linux /k\n",
		  "how this build of GRUB reads entries of blscfg is not known" },
		{ redhat_206_sbat, "blscfg", "\\loader\\entries\\a.conf", "linux /k\noptions a=\\$b c\n",
		  "what GRUB makes of \"\\$\" in an entry depends on its build" },
		{ redhat_206_sbat, "blscfg", "\\loader\\entries\\a.conf", "efi /EFI/Linux/a.efi\n",
		  "(hd0,gpt1)/loader/entries//a: what GRUB makes of the key efi depends on its build" },
		{ redhat_206_sbat, "blscfg", "\\loader\\entries\\a.confb.conf", "linux /k\n",
		  "does not come to the end" },
		{ redhat_206_sbat, "blscfg (hd0,gpt1)/a.conf", "\\a.conf", "linux /k\n",
		  "with the name of a file is not followed" },
		{ redhat_206_sbat, "blscfg (hd0,gpt7)/a", "\\a.conf", "linux /k\n",
		  "/a is on (hd0,gpt7), which is not in the image" },
		{ redhat_206_sbat,
		  "search --fs-uuid --set=boot 1234-ABCD\nset default_kernelopts=$boot\nblscfg",
		  "\\loader\\entries\\a.conf", "linux /k\n", "whether the search for 1234-ABCD finds" },
		{ redhat_206_sbat, "blscfg", "\\loader\\entries\\a.conf\\b", "linux /k\n",
		  "it is a directory with the name of an entry" },
	};
	struct esp *x = *state;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char config[200];
		struct disk d;

		snprintf(config, sizeof config, "set timeout=0\n%s\n", rows[i].config);
		disk_open(&d, rows[i].sbat, grub_usual_modules, config);
		put(&d, rows[i].file, rows[i].text);
		disk_predict(x, &d);
		expect_reason(x, 8, rows[i].words, NULL);
	}
}

static void an_entry_with_bytes_of_zero_is_not_followed(void **state)
{
	struct esp *x = *state;
	struct disk d;

	disk_open(&d, debian_214_sbat, upstream_modules, "set timeout=0\nblscfg\n");
	memory_put(&d.files, "\\loader\\entries\\a.conf",
		   (struct slice){ (const uint8_t *)"linux /k\0a\n", 11 });
	disk_predict(x, &d);
	expect_reason(x, 9, "(hd0,gpt1)/loader/entries//a.conf: it has bytes of zero", NULL);
}

/* Each of 30 entries has 900 KiB, and is in memory three times. */
static void entries_that_fill_memory_are_not_followed(void **state)
{
	enum { LEN = 900 << 10, ENTRIES = 30 };
	char *text = malloc(LEN), names[ENTRIES][32];
	struct esp *x = *state;
	struct disk d;

	assert_non_null(text);
	memset(text, 'x', LEN);
	memcpy(text, "linux /k\nkey ", 13);
	disk_open(&d, debian_214_sbat, upstream_modules, "set timeout=0\nblscfg\n");
	for (unsigned i = 0; i < ENTRIES; i++) {
		snprintf(names[i], sizeof names[i], "\\loader\\entries\\a-%u.conf", i);
		memory_put(&d.files, names[i], (struct slice){ (const uint8_t *)text, LEN });
	}
	disk_predict(x, &d);
	expect_reason(x, 9, ".conf: the entries before it are longer than is followed", NULL);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ESP(red_hats_entry_runs_as_the_log_of_a_machine_has_it),
		WITH_ESP(files_are_measured_in_the_order_of_the_disk_and_listed_in_that_of_names),
		WITH_ESP(the_default_entry_has_an_id_before_a_title_before_a_number),
		WITH_ESP(red_hats_blscfg_takes_a_name_or_a_directory),
		WITH_ESP(red_hats_variables_fill_an_entry),
		WITH_ESP(variables_in_values_expand_with_all_that_is_odd),
		WITH_ESP(upstreams_blscfg_takes_options),
		WITH_ESP(a_line_without_a_value_ends_an_entry),
		WITH_ESP(a_uki_is_chain_loaded_with_its_command_line),
		WITH_ESP(what_depends_on_the_build_or_the_disk_is_said),
		WITH_ESP(an_entry_with_bytes_of_zero_is_not_followed),
		WITH_ESP(entries_that_fill_memory_are_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
