/*
 * An ESP in a temporary directory, its prediction, and expectations on the predicted events. What is expected is made
 * here byte by byte, with nothing of predict/ but the prediction itself.
 */
#pragma once

#include "predict/predict.h"
#include "tests/unit/build_pe.h"

/* Bytes that grow. */
struct bytes {
	uint8_t *p;
	size_t n;
};

void bytes_add(struct bytes *b, const void *p, size_t n);
void bytes_add_text(struct bytes *b, const char *text);
void bytes_add_wide(struct bytes *b, const char *ascii); /* UTF-16LE and a NUL */
void bytes_pad4(struct bytes *b);
/* One EFI_SIGNATURE_LIST with one signature. */
void bytes_add_signature_list(struct bytes *b, const struct guid *type, const struct guid *owner,
			      const void *p, size_t n);
/* UEFI_VARIABLE_DATA */
void bytes_add_variable(struct bytes *b, const char *name, const struct guid *guid, const void *p, size_t n);
void bytes_done(struct bytes *b);

/* newc entries, as systemd writes them; the caller counts the inodes. */
void bytes_add_cpio_dir(struct bytes *b, unsigned inode, unsigned mode, const char *name);
void bytes_add_cpio_file(struct bytes *b, unsigned inode, unsigned mode, const char *name, const void *p,
			 size_t n);
void bytes_add_cpio_trailer(struct bytes *b);
/* .extra (0555), .extra/SUB with dir_mode unless sub is NULL, then files name, text, name, text, …, NULL; trailer. */
void bytes_add_archive(struct bytes *b, const char *sub, unsigned dir_mode, unsigned file_mode, ...);

struct esp {
	char root[64];
	struct image img;
	bool open;
	struct predict_options opt;
	struct prediction p;
	struct pcrcast_error e;
	int result;
	size_t at; /* the next event to look at */
	struct bytes load_options;
	size_t n_kept;
	void *kept[256]; /* freed at the end */
};

/* cmocka setup and teardown: *state is a struct esp. */
int esp_setup(void **state);
int esp_teardown(void **state);
#define WITH_ESP(f) cmocka_unit_test_setup_teardown(f, esp_setup, esp_teardown)

/* Memory that lives until the end of the test. */
void *esp_keep(struct esp *x, void *p);

/* A file of the ESP, with the directories on the way; path with '/'. */
void esp_put(struct esp *x, const char *path, const void *bytes, size_t n);
void esp_put_text(struct esp *x, const char *path, const char *text);
void esp_remove(struct esp *x, const char *path);

/* ASCII load options as the firmware passes them: UTF-16LE without a NUL. */
void esp_set_load_options(struct esp *x, const char *ascii);

/* Predict (again), for the whole directory or for one file of it. The result is checked to be 0. */
void esp_predict(struct esp *x);
void esp_predict_file(struct esp *x, const char *path);
/* A prediction that must fail with this code and these words. */
void esp_predict_fails(struct esp *x, int code, const char *words);

/*
 * The next event (save those of registers other than 4, 9, 11, 12 and 13). Digests are those of hashed; data is
 * compared as it is.
 */
void expect_event(struct esp *x, uint32_t pcr, uint32_t type, struct slice data, struct slice hashed);
void expect_unknown(struct esp *x, uint32_t pcr, uint32_t type, const char *reason_words, const char *option);
void expect_firmware(struct esp *x); /* "Calling EFI Application from Boot Option", separator */
/* A loaded image, with its path or NULL, that build_pe() or make-uki.py made; it may be signed. */
void expect_image(struct esp *x, const char *path, const void *image, size_t n);
void expect_section(struct esp *x, const char *name, const void *content, size_t n);
void expect_section_text(struct esp *x, const char *name, const char *content);
void expect_line(struct esp *x, const char *ascii); /* PCR 12, load options */
void expect_archive(struct esp *x, uint32_t pcr, const char *text, struct bytes archive); /* frees archive */
void expect_tagged(struct esp *x, uint32_t pcr, uint32_t tag, const char *name, struct slice hashed);
void expect_kernel_line(struct esp *x, const char *ascii);
void expect_initrd(struct esp *x, struct bytes initrd); /* frees initrd */
void expect_end(struct esp *x);

/* A note that has these words. */
void expect_note(struct esp *x, const char *words);
void expect_assumption(struct esp *x, const char *what, const char *words);

/* The registers named as bits, among 4, 9, 11, 12 and 13, are the incomplete ones. */
void expect_incomplete(struct esp *x, uint32_t pcrs);
void expect_reason(struct esp *x, uint32_t pcr, const char *words, const char *option);
